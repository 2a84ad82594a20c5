"""The whole walk in a real browser: form, answer, slider, export; on a phone; without a script; nothing leaves localhost; axe."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from web_client import CHROMIUM, FLAGS, free_port, serving

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)")]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
LONG = 180_000
"""Milliseconds: a busy machine learns slowly."""
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def page(browser, service: str) -> Iterator:
    """A page that notes what it asked for and what went wrong in it."""
    yield from _page(browser, service)


@pytest.fixture
def phone(browser, service: str) -> Iterator:
    """The same on a phone, in the dark."""
    yield from _page(browser, service, viewport=PHONE, color_scheme="dark", has_touch=True, is_mobile=True)


@pytest.fixture(scope="module")
def answered(browser, service: str) -> str:
    """The address of a whole answer, made once."""
    context = browser.new_context(base_url=service)
    context.set_default_timeout(LONG)
    made = context.new_page()
    made.goto("/")
    made.click("button[value=stabler2013-vignette]")
    made.wait_for_selector("#compare")
    address = made.url
    context.close()
    return address


def _forget(page) -> None:
    """So that nothing goes on being computed for a test that has ended."""
    page.click("text=Forget this person now")
    page.wait_for_url("**/")


def _page(browser, service: str, **how) -> Iterator:
    context = browser.new_context(base_url=service, **how)
    context.set_default_timeout(LONG)
    made = context.new_page()
    asked, wrong = [], []
    made.on("request", lambda request: asked.append(request.url))
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" and "Content Security" in message.text else None
    )
    yield made
    context.close()
    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} <= {"localhost"}
    assert wrong == []


def _told(page) -> None:
    page.goto("/")
    page.fill("#age", "57")
    page.select_option("#sex", "female")
    page.select_option("#feel_tingling", "mild")
    page.fill("#feel_tingling_since", "18 months")
    for row, (test, value, unit) in enumerate((("serum_b12", "205", "pg/mL"), ("mma", "3.6", "umol/L"))):
        page.select_option(f"#lab_{row}_analyte", test)
        page.fill(f"#lab_{row}_value", value)
        page.fill(f"#lab_{row}_unit", unit)


def test_form_answer_slider_export(page, tmp_path: Path) -> None:
    _told(page)
    page.fill("#lab_0_unit", "mmHg")
    page.locator("#lab_0_unit").blur()
    page.wait_for_selector("#lab_0_unit[aria-invalid=true]")
    assert "expected a unit of serum vitamin B12" in page.inner_text("#lab_0_unit-fault")
    page.fill("#lab_0_unit", "pg/mL")
    page.locator("#lab_0_unit").blur()
    page.wait_for_selector("#lab_0_unit:not([aria-invalid])")
    page.click("text=Another result")
    assert page.locator("#lab_5_analyte").is_visible()
    page.click("button.main")
    page.wait_for_selector("#deficiency")
    assert page.locator("main h2").first.inner_text() in ("Is it B12 deficiency?", "Please be seen by a clinician today")
    page.wait_for_selector("#delay")
    page.locator("#course .chart").first.scroll_into_view_if_needed()
    page.wait_for_selector("#course canvas")
    page.locator("#nerve-month").fill("12")
    page.wait_for_selector("#nerves[src$='/12.svg']")
    page.locator("#plan").scroll_into_view_if_needed()
    page.wait_for_selector("#plan-chart[data-state]")
    page.select_option("#product", "hydroxocobalamin-intramuscular")
    page.locator("#every_days").fill("30")
    page.wait_for_selector("#plan-chart[data-state=preview] canvas")
    assert "Preview from" in page.inner_text("#plan-state") or "Full run" in page.inner_text("#plan-state")
    page.wait_for_selector("#plan-chart[data-state=full]:not(.preview)")
    page.reload()
    page.wait_for_selector("#keep")
    for link, begins in (("Report (PDF)", b"%PDF"), ("Case file", b"{"), ("Answer (JSON)", b"{"), ("Chart of results (PNG)", b"\x89PNG")):
        with page.expect_download() as waiting:
            page.click(f"text={link}")
        waiting.value.save_as(tmp_path / "file")
        assert (tmp_path / "file").read_bytes().startswith(begins)
    with page.expect_download() as waiting:
        page.click("text=Calendar of your plan")
    waiting.value.save_as(tmp_path / "plan.ics")
    assert "RRULE:FREQ=DAILY;INTERVAL=30" in (tmp_path / "plan.ics").read_text()
    page.click("text=For a clinician")
    page.wait_for_selector("#reports pre")
    _forget(page)


def test_a_slider_moves_the_preview_within_a_second(page, answered: str) -> None:
    """The aim is one second; on a machine that is busy with other work the median of five moves is allowed three."""
    page.goto(answered)
    page.wait_for_selector("#plan-chart[data-state]")
    times = []
    for step in range(5):
        page.evaluate("document.querySelector('#plan-chart').removeAttribute('data-ms')")
        page.locator("#dose_ug").fill(str(500 + 100 * step))
        page.wait_for_selector("#plan-chart[data-ms]")
        times.append(int(page.get_attribute("#plan-chart", "data-ms")))
    assert sorted(times)[2] < 3000, times


def test_on_a_phone_in_the_dark(phone, answered: str) -> None:
    phone.goto("/")
    assert phone.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    _told(phone)
    phone.click("button.main")
    phone.wait_for_selector("#deficiency")
    _forget(phone)
    phone.goto(answered)
    phone.wait_for_selector("#plan-chart canvas")
    assert phone.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]


def test_without_a_script_the_form_answers(browser, service: str, answered: str) -> None:
    context = browser.new_context(base_url=service, java_script_enabled=False)
    context.set_default_timeout(LONG)
    page = context.new_page()
    _told(page)
    page.click("button.main")
    page.wait_for_selector("#deficiency")
    assert page.locator("head meta[http-equiv=refresh]").count() == 1
    _forget(page)
    page.goto(answered)
    page.wait_for_selector("#course img[src$='labs.png']")
    assert page.locator("#picture img").count() >= 5
    page.click("text=Run this plan in full")
    page.wait_for_selector("#plan img")
    context.close()


def test_the_keyboard_is_enough(page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == "age":
            break
    page.keyboard.type("57")
    page.keyboard.press("Enter")
    page.wait_for_selector("#deficiency")
    _forget(page)


def test_faults_take_the_focus(page) -> None:
    page.goto("/")
    page.click("button.main")
    # The page is drawn before its script runs: the focus is waited for, not read at once.
    page.wait_for_selector("#summary:focus")
    page.click("#summary a")
    page.wait_for_selector("#age:focus")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, service: str, answered: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    # axe is put into the page by the test, which the page's own policy rightly forbids.
    context = browser.new_context(base_url=service, bypass_csp=True, color_scheme=scheme)
    context.set_default_timeout(LONG)
    page = context.new_page()

    def audit(what: str) -> None:
        found = axe.run(page).response
        bad = [(item["id"], item["nodes"][0]["target"]) for item in found["violations"] if item["impact"] in ("serious", "critical")]
        assert bad == [], (what, bad)
        assert len(found["passes"]) > 10

    page.goto("/")
    audit("start")
    page.click("button.main")
    page.wait_for_selector("#summary")
    audit("faults")
    page.goto("/diary")
    audit("diary")
    page.goto("/number/mma")
    audit("number")
    page.goto(answered)
    page.wait_for_selector("#plan-chart canvas")
    audit("answer")
    page.goto(answered + "?view=clinician")
    page.wait_for_selector("#reports")
    audit("clinician")
    context.close()


def test_a_kill_and_a_new_start_lose_nothing_that_was_shown_as_saved(browser) -> None:
    """The service dies in the middle of the work; the tab holds the case, says that nothing was stored, and asks again."""
    port = free_port()
    context = browser.new_context(base_url=f"http://localhost:{port}")
    context.set_default_timeout(LONG)
    page = context.new_page()
    with serving(port, draws=4000) as (_, running):  # so many that the work goes on when the service dies
        page.goto("/")
        page.click("button[value=turner2009]")
        page.wait_for_selector("#keep")
        page.wait_for_load_state("load")
        shown = page.inner_text("body")
        assert "Nothing you enter leaves this machine, is stored or is logged" in shown
        assert not re.search(r"\b(was|is|has been|been) saved\b", shown)
        running.kill()
        running.wait(20)
    with serving(port):
        page.wait_for_selector("#recover:not([hidden])")  # a page that waits finds out by itself
        assert "no more after a restart. Nothing of it was stored." in page.inner_text("main")
        assert json.loads(page.input_value("#recover textarea"))["id"] == "turner2009"
        page.click("text=Ask again with the same case")
        page.wait_for_selector("#deficiency")
        _forget(page)
    context.close()


def test_sources_open_by_keyboard_and_close_again(page, answered: str) -> None:
    page.goto(answered)
    page.wait_for_selector("#compare table")
    for place in ("#deficiency > .why", "#compare > .why", "#course figcaption .why"):
        button = page.locator(place).first
        opened = page.locator(f"#{button.get_attribute('popovertarget')}")
        button.focus()
        page.keyboard.press("Enter")
        opened.wait_for(state="visible")
        assert opened.locator("a[href^='/number/']").count() >= 1
        page.keyboard.press("Escape")
        opened.wait_for(state="hidden")
