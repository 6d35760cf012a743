// The public HTTP API: requests, one long poll, and waiting longer after each failure.

/** An answer that is a problem document (RFC 9457). */
export class Problem extends Error {
  constructor(document) {
    super(document.detail || document.title || "request failed");
    this.kind = (document.type || "").split("#").pop();
    this.hint = document.hint || "";
    this.status = document.status;
  }
}

const resolve = (path) => new URL(path.replace(/^\//, ""), document.baseURI);

/** Fetch a path below this page; problems are thrown, 304 is not one. */
export async function get(path, { query = {}, headers = {}, signal } = {}) {
  const url = resolve(path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(name, value);
  }
  const response = await fetch(url, { headers, signal, cache: "no-store" });
  if (response.ok || response.status === 304) return response;
  const isProblem = (response.headers.get("Content-Type") || "").startsWith("application/problem");
  throw new Problem(isProblem ? await response.json() : { title: response.statusText, status: response.status });
}

export const getJSON = async (path, options) => (await get(path, options)).json();

/** Let time pass; ends early when the signal fires. */
export const sleep = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});

/**
 * Call `step(signal)` over and over until stopped. A failure is told to `failed` with the time
 * to the next try [ms], which doubles up to 8 s; a problem document counts as an answer.
 */
export function keepGoing(step, { failed, recovered }) {
  const abort = new AbortController();
  const loop = async () => {
    let delay = 500;
    while (!abort.signal.aborted) {
      try {
        await step(abort.signal);
        delay = 500;
        recovered();
      } catch (error) {
        if (abort.signal.aborted) return;
        failed(error, delay);
        await sleep(delay, abort.signal);
        delay = Math.min(delay * 2, 8000);
      }
    }
  };
  loop();
  return () => abort.abort();
}

/** Resolves when the page can be seen. Nobody looks at a hidden page, so it asks for nothing. */
export const visible = () => document.hidden
  ? new Promise((done) => document.addEventListener("visibilitychange", () => done(visible()), { once: true }))
  : Promise.resolve();

/** Always the value of the last call that mattered: at most one running, at most one waiting. */
export function latestWins(work) {
  let running = false;
  let again = false;
  return async function run() {
    if (running) { again = true; return; }
    running = true;
    try {
      do { again = false; await work(); } while (again);
    } finally {
      running = false;
    }
  };
}
