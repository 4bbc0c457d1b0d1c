/** Types of actions: what a key runs and the help overlay lists, and the targets on the screen that they work on. */
import type { Desk } from '../store/desk.ts';
import type { TextKey } from '../words/texts.ts';

/** What mounted components offer to actions, by name. */
export interface Targets {
  readonly help: { open(): void };
  /** A form of settings. */
  readonly form: { save(): void };
  /** The page as a whole: one layer back. */
  readonly page: { back(): void };
  readonly inbox: { toggleViews(): void; toggleContact(): void; closeConversation(): void };
  /** `move`: by rows down; it takes the focus. */
  readonly list: { move(by: number): void; open(): void };
  readonly conversation: { readonly conv: string; isOver(): boolean };
  /** The message with the focus, else the last one of one's own. */
  readonly message: { edit(): void; recall(): void };
  readonly assign: { open(): void };
  readonly composer: { write(kind: 'reply' | 'note'): void; send(): void; leave(): void };
}

export interface Scene {
  readonly desk: Desk;
  /** The targets that are mounted now. */
  readonly targets: Partial<Targets>;
}

export interface Action {
  /** Folder and file: `list/next`. */
  readonly id: string;
  /** As in `KeyboardEvent.key`, letters in lower case; `g i` is a sequence, `Shift+Enter` a chord. */
  readonly keys: readonly string[];
  readonly label: TextKey;
  /** Sort key of the help overlay, which has two columns: moving about at the left, doing at the right. */
  readonly rank: number;
  /** The target that has the focus when the key counts, and whose element hands it to `pressedIn`; without: any but a field. */
  readonly in?: 'list' | 'composer';
  /** Counts in fields too. */
  readonly whileTyping?: boolean;
  /** Whether it can be run: the newest action of a key for which this holds gets it. */
  readonly when: (scene: Scene) => boolean;
  readonly run: (scene: Scene) => void;
}

/** `when` and `run` of an action on one target: it can be run while that is mounted. */
export const on = <Name extends keyof Targets>(name: Name, run: (target: Targets[Name], scene: Scene) => void): Pick<Action, 'when' | 'run'> => ({
  when: ({ targets }) => targets[name] !== undefined,
  run: (scene) => {
    const target = scene.targets[name];
    if (target !== undefined) run(target as Targets[Name], scene);
  },
});
