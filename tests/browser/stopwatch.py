"""How long a page takes to answer: from the key or click until nothing on it changes any more."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles

from playwright.sync_api import Page

from tests.browser.looking import LIMIT_MS
from tests.browser.server import AppServer

_WATCH = """() => {
  const watch = (window.watch = { asked: 0, busy: 0 });
  const ask = () => { watch.asked = watch.busy = performance.now(); };
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, ask, true);
  const outside = '[data-testid="stHeader"]';  // its running man is no part of the answer
  new MutationObserver(changes => {
    if (changes.some(change => !(change.target.parentElement ?? change.target).closest(outside)))
      watch.busy = performance.now();
  }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  const unfinished = '[data-testid="stSkeleton"], [data-testid="stSpinner"], [data-stale="true"]';
  setInterval(() => {
    const app = document.querySelector('[data-testid="stApp"]');
    if (app?.dataset.testScriptState !== 'notRunning' || app.querySelector(unfinished)) watch.busy = performance.now();
  }, 20);
}"""
_REST_MS = 300
_RESTS = f"() => performance.now() - window.watch.busy >= {_REST_MS}"
_ANSWERED_S = "() => (window.watch.busy - window.watch.asked) / 1000"

# Texts and figures in a part of a page, in short: equal as long as nobody sees a difference.
_LOOKS = """selector => {
  const part = document.querySelector(selector);
  if (!part) return 'absent';
  const plots = [...part.querySelectorAll('.js-plotly-plot')].map(({ data, layout }) => [data, layout.images]);
  const all = part.innerText + JSON.stringify(plots);
  let sum = 0;
  for (let i = 0; i < all.length; i++) sum = (sum * 31 + all.charCodeAt(i)) | 0;
  return `${all.length}:${sum}`;
}"""


@dataclass(frozen=True)
class Answers:
    """What was measured of one action.

    seconds : in the browser, from the input to the last change; cpu_seconds : of the server, meanwhile.
    """

    what: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def as_row(self) -> dict[str, str | float]:
        """Median and 95th percentile in the browser, median of the server."""
        return {
            "what": self.what,
            "median_s": median(self.seconds),
            "p95_s": quantiles(self.seconds, n=20, method="inclusive")[-1],
            "server_cpu_s": median(self.cpu_seconds),
        }


class Stopwatch:
    """Measures one window; put on before its first page is opened."""

    def __init__(self, page: Page, server: AppServer) -> None:
        self._page, self._server = page, server
        page.add_init_script(f"addEventListener('DOMContentLoaded', {_WATCH})")

    def measure(self, answers: Answers, act: Callable[[], None], shown: str) -> None:
        """Act, wait until the page rests and looks different at `shown`, and note how long that took."""
        before, cpu_before = self._page.evaluate(_LOOKS, shown), self._server.cpu_seconds()
        act()
        self._page.wait_for_function(
            f"([shown, before]) => ({_RESTS})() && ({_LOOKS})(shown) !== before",
            arg=[shown, before],
            timeout=LIMIT_MS,
            polling=100,
        )
        answers.seconds.append(self._page.evaluate(_ANSWERED_S))
        answers.cpu_seconds.append(self._server.cpu_seconds() - cpu_before)
