import { Show, type JSX } from 'solid-js';
import { Icon } from '../../ui/Icon.tsx';
import { sentence } from '../words/errors.ts';
import { t } from '../words/texts.ts';
import { dismiss, shown } from '../store/toast.ts';

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      <Show when={shown()}>
        {(toast) => (
          <div class="toast" data-testid="toast" data-code={toast().code}>
            <p class="grow">{toast().code ? sentence(toast().code ?? '', toast().text) : toast().text}</p>
            <Show when={toast().action}>
              {(action) => (
                <button
                  class="btn"
                  type="button"
                  onClick={() => {
                    dismiss();
                    action().run();
                  }}
                >
                  {action().label}
                </button>
              )}
            </Show>
            <button class="ib" type="button" aria-label={t('dismiss')} onClick={dismiss}>
              <Icon name="close" />
            </button>
          </div>
        )}
      </Show>
    </div>
  );
}
