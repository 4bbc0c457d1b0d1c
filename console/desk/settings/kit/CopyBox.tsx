import { createUniqueId, type JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import { toast } from '../../store/toast.ts';
import { t } from '../texts.ts';
import s from './kit.module.css';

/** Text that is to be taken elsewhere, with a button that copies it. */
export function CopyBox(props: { readonly label: string; readonly text: string; readonly help?: string; readonly isLong?: boolean; readonly testid: string }): JSX.Element {
  const id = createUniqueId();
  let box!: HTMLInputElement & HTMLTextAreaElement;
  const copy = async (): Promise<void> => {
    box.select();
    try {
      await navigator.clipboard.writeText(props.text);
      toast({ text: t('copied') });
    } catch {
      // Clipboard access denied: the text is selected, so that the keyboard copies it.
    }
  };
  const common = () => ({
    id,
    class: `field ${s['copied']}`,
    readonly: true,
    value: props.text,
    'aria-describedby': props.help ? `${id}-help` : undefined,
    'data-testid': props.testid,
    onFocus: (event: FocusEvent) => (event.currentTarget as HTMLInputElement).select(),
  });
  return (
    <div class={s['copy']}>
      <label for={id}>{props.label}</label>
      {props.isLong ? <textarea ref={box} rows={3} spellcheck={false} {...common()} /> : <input ref={box} {...common()} />}
      {props.help ? (
        <p id={`${id}-help`} class={s['hint']}>
          {props.help}
        </p>
      ) : undefined}
      <button class="btn" type="button" data-testid={`${props.testid}-copy`} onClick={() => void copy()}>
        <Icon name="copy" />
        {t('copy')}
      </button>
    </div>
  );
}
