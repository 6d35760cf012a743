"""The page in a real browser, while a scan comes in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.programs import Program, address_of
from e2e.wires import wire
from framefold_simulators.sender import Outlet

# without it the browser tests skip; the others do not need it
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAV, SIG = (12, 10), (24, 24)
FRAMES = 120

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]


class Laboratory:
    """A detector that sends when the test says so, and ``framefold serve``."""

    def __init__(self, config: Path) -> None:
        self._outlet = Outlet()
        self._series = 0
        config.write_text(
            "[server]\nport = 0\n[workers]\ncount = 2\n[logging]\nlevel = 'ERROR'\n"
            f"[sources.bench]\nstream = '{self._outlet.endpoint}'\n"
            f"[scan]\nnav_shape = {list(NAV)}\nupdate_s = 0.02\n"
        )
        self.server = Program("serve", "-c", config)
        self.address = address_of(self.server)

    def send(self, data: Any, first: int, last: int) -> None:
        """Send frames, the header before the first and the end after the last."""
        if first == 0:
            self._series += 1
        messages = wire(data, number=self._series)
        begin = 0 if first == 0 else 1 + first
        end = None if last == FRAMES else 1 + last
        self._outlet.send(messages[begin:end])

    def close(self) -> None:
        self.server.clear()
        self._outlet.close(0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def data() -> Any:
    y, x = np.mgrid[: NAV[0], : NAV[1]]
    strength = 5 + 20 * ((y // 3 + x // 3) % 2)
    found = np.random.default_rng(3).poisson(strength[..., None, None], (*NAV, *SIG))
    return found.astype(np.uint16)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path_factory.mktemp("browser") / "bench.toml")
    yield made
    made.close()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(browser: Any, laboratory: Laboratory, complaints: list[str]) -> Iterator[Any]:
    """The page, open; what it does wrong is written down."""
    opened = browser.new_page(viewport={"width": 1400, "height": 900})
    opened.set_default_timeout(20_000)
    address = laboratory.address
    opened.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith((address, "blob:", "data:"))
            else complaints.append(asked.url)
        ),
    )
    opened.goto(address)
    yield opened
    opened.close()


def shown(page: Any, pane: str) -> str:
    """The pixels of a picture as they are on the screen."""
    return str(page.evaluate(f"document.querySelector('#{pane} .picture').toDataURL()"))


def until_shown(page: Any, pane: str, other_than: str = "") -> str:
    """Wait until there is a picture, and another than before."""
    page.wait_for_function(
        f"""before => {{
            const picture = document.querySelector('#{pane} .picture');
            return picture.width > 1 && picture.toDataURL() !== before;
        }}""",
        arg=other_than,
    )
    return shown(page, pane)


class TestPage:
    """Pictures fill in while frames arrive; nothing comes from anywhere else."""

    def test_a_scan_fills_in(self, page, laboratory, data, complaints):
        page.wait_for_selector("text=Waiting for the first acquisition")
        laboratory.send(data, 0, 60)
        page.wait_for_selector("#coverage:text-is('50.0 %')")
        page.wait_for_selector("#state:text-is('running')")
        page.wait_for_selector("#nav .entry:has-text('not scanned') .hatch")
        half = {pane: until_shown(page, pane) for pane in ("nav", "sig")}
        laboratory.send(data, 60, FRAMES)
        page.wait_for_selector("#coverage:text-is('100.0 %')")
        page.wait_for_selector("#state:text-is('complete')")
        whole = {pane: until_shown(page, pane, half[pane]) for pane in ("nav", "sig")}

        assert whole["nav"] != half["nav"]
        assert page.text_content("#positions") == "120 of 120"
        assert page.text_content("#scan") == "12 × 10"
        assert page.text_content("#lost") == "0"
        assert complaints == []

    def test_channels_and_keys(self, page, laboratory, data, complaints):
        laboratory.send(data, 0, FRAMES)
        page.wait_for_selector("#state:text-is('complete')")
        page.wait_for_selector("#thumbs button >> nth=3")
        before = until_shown(page, "nav")
        other = page.locator("#thumbs button", has_text="magnitude")
        other.click()
        page.wait_for_selector("#thumbs button[aria-pressed=true]:has-text('magnitude')")
        until_shown(page, "nav", before)
        assert "nav.channel=com%2Fmagnitude" in page.url

        scale = page.locator("#sig [name=scale]")
        assert scale.input_value() == "log"
        page.locator("#sig .picture").focus()
        page.keyboard.press("l")
        assert scale.input_value() == "linear"
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#sig .readout:has-text('y 12  x 13')")
        total = f"{int(data.sum(axis=(0, 1))[12, 13]):,}"
        page.wait_for_selector(f"#sig .readout:has-text('{total}')")

        assert complaints == []

    def test_is_usable_when_narrow(self, page, laboratory, data, complaints):
        laboratory.send(data, 0, FRAMES)
        page.set_viewport_size({"width": 420, "height": 800})
        page.wait_for_selector("#state:text-is('complete')")

        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 420
        assert complaints == []
