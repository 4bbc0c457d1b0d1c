/** Types of actions: what a key, the help overlay and a palette run, and the parts of the screen that it works on. */
import type { Desk } from '../store/desk.ts';
import type { TextKey } from '../words/texts.ts';

/** What a mounted component offers to actions, by part. */
export interface Parts {
  readonly help: { open(): void };
  /** The page as a whole: one layer back. */
  readonly page: { back(): void };
  readonly inbox: { toggleViews(): void; toggleContact(): void; closeConversation(): void };
  /** `move`: by rows down; it takes the focus. */
  readonly list: { move(by: number): void; open(): void };
  readonly conversation: { readonly conv: string; isOver(): boolean };
  readonly assign: { open(): void };
  readonly composer: { write(kind: 'reply' | 'note'): void; send(): void; leave(): void };
}

export interface Scene {
  readonly desk: Desk;
  /** The parts that are mounted now. */
  readonly parts: Partial<Parts>;
}

export interface Action {
  /** Folder and file: `list/next`. */
  readonly id: string;
  /** As in `KeyboardEvent.key`, letters in lower case; `g i` is a sequence, `Shift+Enter` a chord. */
  readonly keys: readonly string[];
  readonly label: TextKey;
  /** Sort key of the help overlay, which has two columns: moving about at the left, doing at the right. */
  readonly rank: number;
  /** The part that has the focus when the key counts, and whose element hands it to `pressedIn`; without: any but a field. */
  readonly in?: 'list' | 'composer';
  /** Counts in fields too. */
  readonly whileTyping?: boolean;
  /** Whether it can be run: the newest action of a key for which this holds gets it. */
  readonly when: (scene: Scene) => boolean;
  readonly run: (scene: Scene) => void;
}

/** `when` and `run` of an action on one part: it can be run while that is mounted. */
export const on = <Name extends keyof Parts>(name: Name, run: (part: Parts[Name], scene: Scene) => void): Pick<Action, 'when' | 'run'> => ({
  when: ({ parts }) => parts[name] !== undefined,
  run: (scene) => {
    const part = scene.parts[name];
    if (part !== undefined) run(part as Parts[Name], scene);
  },
});
