module example.com/trunkline

go 1.23

require github.com/coder/websocket v1.8.13

require github.com/google/uuid v1.6.0
