// A visitor of trunkline.v1, written from docs/protocol.md: each line of stdin is a message, each line of stdout an event
// that the visitor was shown, as JSON. Sends again with the same id until the log has it, resumes from its watermark.
//
//	go run . web http://127.0.0.1:8080 http://127.0.0.1:8081
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/google/uuid"
)

const askAfter, pongWithin, welcomeIn, answerWithin = 3 * time.Second / 2, 2 * time.Second, 5 * time.Second, 10 * time.Second

var passing = regexp.MustCompile(`^(log|limit)\.|\.(busy|unavailable)$`)

// The names are the fields', whatever their case.
type frame struct {
	T, ID, Conv, Of, Code, Open, Token                         string
	Seq, Prev, Epoch, Upto, Heartbeat_s, In_ms, Retry_after_ms int64
	More, History                                              bool
	Event                                                      json.RawMessage
	Events                                                     [][]json.RawMessage // seq, prev, event
}

type visitor struct {
	inbox, token, conv string
	mark               []int64          // epoch and seq; nil before the first evs
	asking             bool             // an evs is awaited: what comes live is in it, or behind a gap
	outbox             []map[string]any // the first is on its way if sent
	sent               bool
	sentAt, notBefore  time.Time
	refusals, faults   int
}

func main() {
	http.DefaultClient.Timeout = welcomeIn
	v := &visitor{inbox: os.Args[1]}
	typed := make(chan string)
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			typed <- lines.Text()
		}
	}()
	for tries, n := 0, 0; ; n++ {
		began := time.Now()
		now, err := v.connection(os.Args[2+n%(len(os.Args)-2)], typed)
		if now { // our moment within the spread of a node that leaves
			continue
		}
		switch websocket.CloseStatus(err) {
		case 4403, 4409, 4426:
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		case 4401:
			v.token = ""
		case 4400, 4413, 4500: // over one frame, and only one is on its way at a time
			if v.faults++; v.sent && v.faults >= 3 {
				v.refused(frame{Code: "closed over it"})
			}
		}
		if tries++; time.Since(began) > 10*time.Second {
			tries = 1
		}
		least, most := 0.2, min(20, 0.5*float64(int(1)<<min(tries-1, 6)))
		if tries == 1 {
			least, most = 0, 0.2
		}
		time.Sleep(time.Duration((least + rand.Float64()*(most-least)) * float64(time.Second)))
	}
}

// connection is one socket's life; true if it is time to move to another node.
func (v *visitor) connection(node string, typed chan string) (bool, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dialling, stop := context.WithTimeout(ctx, welcomeIn)
	defer stop()
	if v.token == "" {
		answer, err := http.Post(node+"/api/v1/visitors", "application/json",
			strings.NewReader(fmt.Sprintf(`{"inbox":%q}`, v.inbox)))
		if err != nil {
			return false, err
		}
		defer answer.Body.Close()
		_ = json.NewDecoder(answer.Body).Decode(&struct{ Token *string }{&v.token})
	}
	socket, _, err := websocket.Dial(dialling, strings.Replace(node, "http", "ws", 1)+"/ws",
		&websocket.DialOptions{Subprotocols: []string{"trunkline.v1"}})
	if err != nil {
		return false, err
	}
	defer socket.CloseNow()
	socket.SetReadLimit(1 << 22)
	said, waitsSince := time.Now(), time.Time{}
	say := func(one map[string]any) { // a write that fails ends the reading as well
		if said = time.Now(); waitsSince.IsZero() {
			waitsSince = said
		}
		if one["conv"] == "" {
			one["conv"] = nil
		}
		writing, done := context.WithTimeout(ctx, pongWithin)
		defer done()
		_ = wsjson.Write(writing, socket, one)
	}
	say(map[string]any{"t": "hello", "token": v.token, "client": "go", "version": 1})
	var welcome frame
	if err := wsjson.Read(dialling, socket, &welcome); err != nil || welcome.T != "welcome" {
		return welcome.T == "drain", err
	}
	v.token = cmp.Or(welcome.Token, v.token)
	frames, ended := make(chan frame), make(chan error, 1)
	go func() {
		for {
			var one frame
			if err := wsjson.Read(ctx, socket, &one); err != nil {
				ended <- err
				return
			}
			select {
			case frames <- one:
			case <-ctx.Done():
			}
		}
	}()
	v.sent, v.asking, waitsSince = false, false, time.Time{}
	var pinged, subAt time.Time
	if v.conv = cmp.Or(v.conv, welcome.Open); v.conv != "" {
		subAt = time.Now()
	}
	var move <-chan time.Time
	tick := time.Tick(50 * time.Millisecond)
	for {
		// A message goes once the replay has shown whether it is there already, and one at a time: order holds.
		if len(v.outbox) > 0 && !v.sent && !v.asking && subAt.IsZero() && time.Now().After(v.notBefore) {
			v.sent, v.sentAt = true, time.Now()
			v.outbox[0]["conv"] = v.conv
			say(v.outbox[0])
		}
		select {
		case err := <-ended:
			return false, err
		case text := <-typed:
			v.outbox = append(v.outbox, map[string]any{"t": "send", "id": uuid.Must(uuid.NewV7()).String(), "text": text})
		case <-move:
			return true, nil
		case now := <-tick:
			if !subAt.IsZero() && now.After(subAt) {
				subAt, v.asking = time.Time{}, true
				say(map[string]any{"t": "sub", "conv": v.conv, "after": v.mark, "limit": 200})
			}
			isUnheard := !waitsSince.IsZero() && now.Sub(waitsSince) > askAfter
			if pinged.IsZero() && (isUnheard || now.Sub(said) > time.Duration(welcome.Heartbeat_s)*time.Second) {
				pinged = now
				say(map[string]any{"t": "ping", "n": 1})
			}
			if (!pinged.IsZero() && now.Sub(pinged) > pongWithin) || (v.sent && now.Sub(v.sentAt) > answerWithin) {
				return false, nil // frozen, or half open
			}
		case f := <-frames:
			waitsSince, pinged = time.Time{}, time.Time{}
			switch {
			case f.T == "drain":
				move = time.After(time.Duration(rand.Int63n(f.In_ms+1)) * time.Millisecond)
			case f.T == "opened", f.T == "ok":
				if v.stored(f.ID); v.conv != f.Conv {
					v.conv, v.mark, subAt = f.Conv, nil, time.Now()
				}
			case f.T == "err" && len(v.outbox) > 0 && f.ID == v.outbox[0]["id"]:
				v.refused(f)
			case f.T == "err" && f.Of == "sub":
				subAt = time.Now().Add(time.Duration(max(f.Retry_after_ms, 500)) * time.Millisecond)
			case f.Conv == v.conv && v.apply(f):
				subAt = time.Now()
			}
		}
	}
}

// apply takes what comes of the conversation in (rule 3); true: ask again from the watermark.
func (v *visitor) apply(f frame) bool {
	switch {
	case f.T == "resync":
		v.mark, v.asking = nil, false
		return true
	case f.T == "evs" && !f.History && v.asking:
		v.asking = false
		for _, one := range f.Events {
			var seq int64
			_ = json.Unmarshal(one[0], &seq)
			if v.mark == nil || v.mark[0] != f.Epoch || seq > v.mark[1] {
				v.show(one[2])
			}
		}
		v.mark = []int64{f.Epoch, f.Upto}
		return f.More
	case f.T != "ev" && f.T != "skip", v.asking, v.mark == nil, f.Seq <= v.mark[1]:
		return false
	case f.Prev > v.mark[1]:
		return true
	case f.T == "ev":
		v.show(f.Event)
	}
	v.mark = []int64{v.mark[0], f.Seq}
	return false
}

func (v *visitor) show(event json.RawMessage) {
	var one frame
	_ = json.Unmarshal(event, &one)
	fmt.Println(string(event))
	v.stored(one.ID)
}

func (v *visitor) stored(id string) {
	if len(v.outbox) > 0 && v.outbox[0]["id"] == id {
		v.outbox, v.sent, v.faults, v.refusals = v.outbox[1:], false, 0, 0
	}
}

// refused keeps what the node can't store now, and gives up what it refuses for its content.
func (v *visitor) refused(f frame) {
	v.sent = false
	wait := time.Duration(f.Retry_after_ms) * time.Millisecond
	if wait == 0 && f.Code != "log.too_large" && passing.MatchString(f.Code) {
		wait = min(10*time.Second, time.Second<<min(v.refusals, 4))
	}
	if v.notBefore = time.Now().Add(wait); wait > 0 {
		v.refusals++
	} else if f.Code == "conversation.closed" && v.conv != "" {
		v.conv, v.mark = "", nil
	} else {
		fmt.Fprintln(os.Stderr, "not sent:", f.Code, v.outbox[0]["text"])
		v.stored(v.outbox[0]["id"].(string))
	}
}
