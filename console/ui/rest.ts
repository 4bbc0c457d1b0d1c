/** The node's HTTP: JSON in and out, refusals as problem details (RFC 9457). */

/** A refusal. `status` 0: nobody answered. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field = '',
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

interface ProblemBody {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly field?: string;
  readonly retry_after_ms?: number;
}

/** The refusal that a response's status and body tell. */
export function problemOf(status: number, body: string): Problem {
  let parsed: ProblemBody = {};
  try {
    parsed = JSON.parse(body) as ProblemBody;
  } catch {
    // a proxy's page, not ours: the status must do
  }
  const text = parsed.detail ?? parsed.title ?? `HTTP ${status}`;
  return new Problem(status, parsed.code ?? `http.${status}`, text, parsed.field, parsed.retry_after_ms);
}

export const NO_ANSWER = new Problem(0, 'network.unreachable', 'no answer');
export const bearer = (token: string): Record<string, string> => (token ? { Authorization: `Bearer ${token}` } : {});

/** Answers over 20 s are given up. Raises `Problem`. */
export async function call<T>(method: string, path: string, body?: unknown, token = '', headers: Readonly<Record<string, string>> = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', ...bearer(token), ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
  } catch {
    throw NO_ANSWER;
  }
  if (!response.ok) throw problemOf(response.status, await response.text());
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

/** Address of attachment `n` of the event at `seq`; answers with a redirect to a link that expires. */
export const fileUrl = (conv: string, seq: number, n: number): string => `/api/v1/conversations/${conv}/files/${seq}/${n}`;
