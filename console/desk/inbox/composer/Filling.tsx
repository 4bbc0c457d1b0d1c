import { createSignal, For, Show, type JSX } from 'solid-js';
import { uuid7 } from '../../../client/index.ts';
import { call } from '../../../ui/rest.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { createUploads, uploadLimits, type Upload } from '../../../ui/uploads.ts';
import { explain, sentence } from '../../words/errors.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import { filled, fits, whereIs, type Template } from '../../channels/template.ts';
import s from './templates.module.css';

/** Form of one template: header file, a field a place, preview. */
export function Filling(props: {
  readonly template: Template;
  readonly conv: string;
  readonly channel: string;
  readonly onSent: () => void;
}): JSX.Element {
  const desk = useDesk();
  // Idempotency: the event's id stays the same over retries.
  const id = uuid7();
  const [values, setValues] = createSignal<readonly string[]>(props.template.places.map(() => ''));
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const uploads = createUploads(
    () => ({ ...uploadLimits(desk.connection.limits), files: 1 }),
    () => '',
  );
  const chosen = (): Upload | undefined => uploads.items()[0];
  const isMisfit = (): boolean => {
    const file = chosen()?.attachment;
    return file !== undefined && file !== null && !fits(desk.channels.of(props.channel), props.template, file);
  };
  const hasFile = (): boolean => props.template.file === '' || (chosen()?.state === 'done' && !isMisfit());
  const isReady = (): boolean => values().every((value) => value.trim() !== '') && hasFile() && !isBusy();
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!isReady()) return;
    setBusy(true);
    setProblem('');
    try {
      const one = props.template;
      const given = { values: values().map((value) => value.trim()), file: chosen()?.attachment?.file ?? '' };
      await call('POST', `conversations/${props.conv}/template`, { id, name: one.name, language: one.language, ...given });
      props.onSent();
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  const wants = (): boolean => props.template.file !== '';
  return (
    <form class={s['filling']} onSubmit={(event) => void send(event)}>
      <Show when={wants()}>
        <Chosen
          template={props.template}
          accept={desk.channels.of(props.channel)?.media_types?.[props.template.file]?.join(',') ?? ''}
          chosen={chosen()}
          isMisfit={isMisfit()}
          onChosen={(files) => {
            for (const one of uploads.items()) uploads.cancel(one.id);
            uploads.add(files);
          }}
          onRetry={(one) => uploads.retry(one)}
        />
      </Show>
      <For each={props.template.places}>
        {(place, n) => (
          <label>
            <span>{t(`template_place.${whereIs(place).where}`, { place: whereIs(place).place })}</span>
            <input
              class="field"
              type="text"
              maxlength={1024}
              autocomplete="off"
              data-testid={`place-${place}`}
              ref={(box) => n() === 0 && !wants() && requestAnimationFrame(() => box.focus())}
              onInput={(event) => setValues(values().with(n(), event.currentTarget.value))}
            />
          </label>
        )}
      </For>
      <section aria-label={t('template.preview')}>
        <h3>{t('template.preview')}</h3>
        <p class={s['preview']} data-testid="template-preview">
          {filled(props.template, values())}
        </p>
      </section>
      <Show when={problem()}>
        <p class={s['bad']} role="alert">
          {problem()}
        </p>
      </Show>
      <div class={s['acts']}>
        <button
          class="btn primary"
          type="submit"
          data-testid="template-send"
          disabled={!isReady()}
          ref={(button) => props.template.places.length === 0 && !wants() && requestAnimationFrame(() => button.focus())}
        >
          {t('template.send')}
        </button>
      </div>
    </form>
  );
}

/** Header file of a template: picker, upload progress, error. */
function Chosen(props: {
  readonly template: Template;
  readonly accept: string;
  readonly chosen: Upload | undefined;
  readonly isMisfit: boolean;
  readonly onChosen: (files: readonly File[]) => void;
  readonly onRetry: (id: string) => void;
}): JSX.Element {
  let picker!: HTMLInputElement;
  return (
    <div class={s['file']}>
      <input
        ref={picker}
        type="file"
        class="vh"
        tabindex="-1"
        aria-hidden="true"
        accept={props.accept}
        data-testid="template-attach"
        onChange={(event) => {
          props.onChosen([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <button class="btn" type="button" ref={(button) => requestAnimationFrame(() => button.focus())} onClick={() => picker.click()}>
        <Icon name="clip" />
        {t(props.chosen === undefined ? `template_file.${props.template.file || 'file'}` : 'template.file_other')}
      </button>
      <Show when={props.chosen}>
        {(one) => (
          <span class="cut" role="status" data-testid="template-file" data-state={props.isMisfit ? 'misfit' : one().state}>
            {one().file.name}
            {one().state === 'running' ? ` ${Math.round(one().part * 100)}%` : ''}
          </span>
        )}
      </Show>
      <Show when={props.isMisfit}>
        <p class={s['bad']} role="alert">
          {t('error.template_file')}
        </p>
      </Show>
      <Show when={props.chosen?.state === 'failed' ? props.chosen : undefined}>
        {(one) => (
          <p class={s['bad']} role="alert">
            {sentence(one().code, one().code)}{' '}
            <button type="button" class="btn" onClick={() => props.onRetry(one().id)}>
              {t('retry')}
            </button>
          </p>
        )}
      </Show>
    </div>
  );
}
