// What the pages do beyond plain HTML: check what is typed, follow the work, draw charts, move sliders. No page needs it to answer.
"use strict";
document.documentElement.classList.add("scripted");
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// --- the form ---------------------------------------------------------------------------------------------------------------------
function showFaults(form, faults, touched) {
  for (const place of $$(".fault[id$='-fault']", form)) {
    const name = place.id.slice(0, -6), field = document.getElementById(name);
    const lines = touched.has(name) ? faults[name] : undefined;
    place.textContent = lines ? lines.join(" ") : "";
    place.hidden = !lines;
    if (field) { if (lines) field.setAttribute("aria-invalid", "true"); else field.removeAttribute("aria-invalid"); }
  }
}

function watchForm(form) {
  const touched = new Set($$("[aria-invalid]", form).map((field) => field.name));
  let timer = 0, turn = 0;
  const check = async () => {
    const mine = ++turn;
    try {
      const response = await fetch("/check", { method: "POST", body: new FormData(form) });
      if (response.ok && mine === turn) showFaults(form, (await response.json()).faults, touched);
    } catch { /* the service is away; sending the form will tell */ }
  };
  form.addEventListener("change", (event) => {
    if (!event.target.name) return;
    touched.add(event.target.name);
    const lab = /^lab_(\d+)_(\w+)$/.exec(event.target.name);
    if (lab && lab[2] === "analyte") {
      const unit = document.getElementById(`lab_${lab[1]}_unit`), units = event.target.selectedOptions[0].dataset.units;
      if (units && !unit.value) unit.placeholder = units.split(" ")[0];
    }
    if (lab && lab[2] === "value") touched.add(`lab_${lab[1]}_unit`);
    clearTimeout(timer);
    timer = setTimeout(check, 250);
  });
  const more = $("#more"), labs = $("#labs");
  more.hidden = false;
  more.addEventListener("click", () => {
    const last = labs.lastElementChild, row = Number(last.dataset.row) + 1;
    if (row >= 60) return;
    const made = last.cloneNode(true);
    made.dataset.row = row;
    made.setAttribute("aria-label", `Result ${row + 1}`);
    for (const item of $$("[id], [for], [name], [aria-describedby]", made)) {
      for (const key of ["id", "for", "name", "aria-describedby"]) {
        if (item.hasAttribute(key)) item.setAttribute(key, item.getAttribute(key).replace(/lab_\d+_/g, `lab_${row}_`));
      }
      item.removeAttribute("aria-invalid");
      if (item.matches("input, select")) item.value = "";
      if (item.matches(".fault")) { item.hidden = true; item.textContent = ""; }
    }
    labs.append(made);
    $("select", made).focus();
  });
}

function watchDrop(form) {
  for (const name of ["dragenter", "dragover"]) form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("dropping"); });
  for (const name of ["dragleave", "drop"]) form.addEventListener(name, () => form.classList.remove("dropping"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) { $("#file").files = event.dataTransfer.files; form.requestSubmit(); }
  });
}

// --- charts -----------------------------------------------------------------------------------------------------------------------
let loading;
function vegaReady() {
  const load = (name) => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = `/static/vega/${name}.min.js`;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  loading ??= load("vega").then(() => load("vega-lite")).then(() => load("vega-interpreter"));
  return loading;
}

const FONT = "sans-serif", dark = matchMedia("(prefers-color-scheme: dark)");
const DARK = { ground: "#211e1b", ink: "#f0ebe4", soft: "#b9b0a5", line: "#463f38", marks: {
  "#000000": "#f0ebe4", "#333333": "#e5ded5", "#555555": "#b9b0a5", "#777777": "#a39a8f", "#7a7a7a": "#a39a8f", "#0072B2": "#4aa8e0", "#009E73": "#2fc79b",
  "#D55E00": "#f08a3c", white: "#211e1b", "#eeeeee": "#38332d", "#999999": "#8d8478" } };

let ruler;
function broken(text, room, font) {
  // Words in lines no wider than the room.
  ruler ??= document.createElement("canvas").getContext("2d");
  ruler.font = font;
  const lines = [];
  for (const word of String(text).split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && ruler.measureText(longer).width <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function painted(part) {
  // The same marks on a dark ground: paint only, data stay as they are.
  if (Array.isArray(part)) return part.map(painted);
  if (part === null || typeof part !== "object") return typeof part === "string" && part in DARK.marks ? DARK.marks[part] : part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, key === "values" ? value : painted(value)]));
}

function legends(spec) {
  // Every name that a colour of the chart stands for, as long as it is.
  const names = new Set();
  JSON.stringify(spec, (key, value) => {
    if (key === "color" && value?.scale?.domain) value.scale.domain.forEach((name) => names.add(String(name)));
    return key === "values" ? undefined : value;
  });
  return [...names];
}

function fitted(spec, room) {
  // The chart's own words stand in the page; panels take the width there is.
  const made = { ...spec, autosize: { type: "pad" } };
  delete made.title;
  let most = 1;
  if (made.vconcat) { made.concat = made.vconcat; made.columns = 1; delete made.vconcat; }
  if (made.concat) {
    const columns = Math.max(1, Math.min(made.columns ?? 2, Math.floor(room / 330)));
    const gap = columns > 1 ? 56 : 0;
    const width = Math.max(190, Math.floor((room - 62 - gap * (columns - 1)) / columns));
    made.concat = made.concat.map((panel) => {
      const title = panel.title && (typeof panel.title === "string" ? { text: panel.title, anchor: "start" } : { ...panel.title });
      if (title) {
        title.text = broken([title.text].flat().join(" "), width, `bold ${title.fontSize ?? 13}px ${FONT}`);
        title.limit = 0;
        if (title.subtitle) title.subtitle = [title.subtitle].flat().flatMap((line) => broken(line, width, `${title.subtitleFontSize ?? 11}px ${FONT}`));
        most = Math.max(most, title.text.length + (title.subtitle?.length ?? 0));
      }
      return { ...panel, width, ...(title ? { title } : {}) };
    });
    made.columns = columns;
    made.spacing = { row: 62 + 16 * most, column: gap };
    made.bounds = "flush";
  } else if (made.layer || made.mark) made.width = Math.min(620, Math.max(190, room - 120));
  const config = made.config ?? {}, wide = Math.max(150, room - 80);
  const lines = Object.fromEntries(legends(spec).map((name) => [name, broken(name, wide, `12px ${FONT}`)]).filter(([, found]) => found.length > 1));
  const cut = Object.keys(lines).length ? { labelExpr: `${JSON.stringify(lines)}[datum.label] || datum.label` } : {};
  made.config = { ...config, background: "white", legend: { ...config.legend, columns: 1, direction: "vertical", labelLimit: wide + 20 } };
  const named = (part) => {
    if (Array.isArray(part)) return part.map(named);
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, key === "values" ? value
      : key === "color" && value?.field && value.legend !== null && Object.keys(cut).length ? { ...value, legend: { ...value.legend, ...cut } } : named(value)]));
  };
  const whole = named(made);
  if (!dark.matches) return whole;
  const { ground, ink, soft, line } = DARK, shown = painted(whole);
  shown.config = { ...shown.config, background: ground, title: { ...shown.config.title, color: ink, subtitleColor: soft }, text: { ...shown.config.text, color: ink },
    axis: { ...shown.config.axis, labelColor: soft, titleColor: soft, tickColor: line },
    legend: { ...shown.config.legend, labelColor: ink, titleColor: ink } };
  return shown;
}

async function draw(place, spec) {
  await vegaReady();
  const room = place.clientWidth - 14;
  const compiled = vegaLite.compile(fitted(spec, room)).spec;
  const holder = document.createElement("div");
  const view = new vega.View(vega.parse(compiled, null, { ast: true }), {
    expr: vegaInterpreter, renderer: "canvas", container: holder, hover: true, loader: { load: () => Promise.reject(new Error("no loading")) },
    tooltip: (handler, event, item, value) => tip(place, event, value),
  });
  await view.runAsync();
  place.view?.finalize();
  place.view = view;
  place.spec = spec;
  place.classList.toggle("dark", dark.matches);
  place.replaceChildren(holder);
}
dark.addEventListener("change", () => $$(".chart").forEach((place) => place.spec && draw(place, place.spec)));

function tip(place, event, value) {
  let box = $(".tip", place);
  if (value == null || value === "") { box?.remove(); return; }
  if (!box) { box = document.createElement("div"); box.className = "tip"; place.append(box); }
  box.textContent = typeof value === "object" ? Object.entries(value).map(([key, text]) => `${key}: ${text}`).join("\n") : String(value);
  box.style.left = `${Math.min(event.clientX + 12, innerWidth - 200)}px`;
  box.style.top = `${event.clientY + 12}px`;
}

const base = () => `/answer/${$("#visit").dataset.visit}`;

async function drawFigure(figure) {
  const name = figure.dataset.figure;
  if (!name || figure.drawn) return;
  figure.drawn = true;
  const response = await fetch(`${base()}/chart/${name}.json`);
  if (response.ok) await draw($(".chart", figure), await response.json());
  else figure.hidden = true;
}

function watchFigures(root) {
  const seen = new IntersectionObserver((entries) => entries.forEach((entry) => { if (entry.isIntersecting) drawFigure(entry.target); }), { rootMargin: "300px" });
  $$("figure[data-figure]", root).forEach((figure) => seen.observe(figure));
}

// --- the answer -------------------------------------------------------------------------------------------------------------------
const told = (says) => says.replace(/^plan .*/, "taking them through the treatments");

async function follow(visit) {
  let shown = $$("#recovery, #delay, #course, #compare").length ? null : "";
  for (;;) {
    let state;
    try {
      const response = await fetch(`${base()}/state?wait=5`);
      if (!response.ok) return location.reload();
      state = await response.json();
      // The service may die between the two questions: the second one is asked again like the first.
      if (state.ready.join() !== shown || !state.pending) { await renew(); shown = state.ready.join(); }
    } catch {
      $(".says", visit)?.replaceChildren("The service does not answer. This page goes on asking; the case is still in this tab.");
      await wait(2000);
      continue;
    }
    const bar = $("progress", visit), says = $(".says", visit);
    if (bar) { bar.value = state.share; says.textContent = told(state.says); }
    if (!state.pending) return;
    await wait(150);
  }
}

async function renew() {
  const response = await fetch(location.href);
  if (!response.ok) return location.reload();
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["ahead", "reports", "sources", "keep"]) {
    const now = document.getElementById(id), next = page.getElementById(id);
    if (!now || !next) continue;
    // What the person already looks at or has moved stays as it is.
    const held = ["course", "picture", "plan"].map((name) => $(`#${name}`, now)).filter(Boolean);
    now.replaceWith(document.adoptNode(next));
    for (const item of held) $(`#${item.id}`, next)?.replaceWith(item);
  }
  ready();
}

function watchNerves() {
  const month = $("#nerve-month"), plan = $("#nerve-plan"), picture = $("#nerves");
  if (!month || month.watched) return;
  month.watched = true;
  const show = () => {
    const when = month.value === "0" ? "today" : `in ${month.value} months`;
    picture.src = `${base()}/nerves/${plan.value}/${month.value}.svg`;
    picture.alt = `Nerves ${when} under ${plan.selectedOptions[0].textContent}; the numbers stand in the tables of How it will go`;
  };
  month.addEventListener("input", show);
  plan.addEventListener("change", show);
}

function watchSliders() {
  for (const slider of $$("input[type=range]")) {
    if (slider.told) continue;
    slider.told = true;
    const out = $(`output[for="${slider.id}"]`);
    slider.addEventListener("input", () => {
      out.textContent = slider.value === "0" && out.dataset.none ? out.dataset.none : slider.value + out.dataset.unit;
    });
  }
}

function watchPlan() {
  const form = $("#plan-form"), figure = $("#plan-chart");
  if (!form || form.watched) return;
  form.watched = true;
  const state = $("#plan-state"), fault = $("#plan-fault"), place = $(".chart", figure);
  let busy = false, again = false, moved = false, timer = 0, turn = 0;
  const full = async () => {
    const mine = ++turn;
    const response = await fetch(`${base()}/plan`, { method: "POST", body: new FormData(form), headers: { accept: "application/json" } });
    if (!response.ok) { state.textContent = (await response.json()).detail; return; }
    for (;;) {
      const now = await (await fetch(`${base()}/state?wait=3`)).json();
      if (mine !== turn) return;
      if (now.own.ready) break;
      if (!now.own.pending) { state.textContent = "The full run did not come to its end."; return; }
      state.textContent = `Preview. The full run is at ${Math.round(100 * now.own.share)} %.`;
      await wait(150);
    }
    const spec = await (await fetch(`${base()}/chart/${$("#plan-figure").value}.json?own=1`)).json();
    if (mine !== turn) return;
    await draw(place, spec);
    figure.classList.remove("preview");
    state.textContent = "Full run.";
    figure.dataset.state = "full";
  };
  const preview = async () => {
    if (busy) { again = true; return; }
    busy = true;
    turn++;
    clearTimeout(timer);
    const begun = performance.now();
    try {
      const response = await fetch(`${base()}/preview`, { method: "POST", body: new FormData(form) });
      const found = await response.json();
      fault.hidden = response.ok;
      if (response.ok) {
        await draw(place, found.spec);
        figure.classList.add("preview");
        figure.dataset.state = "preview";
        figure.dataset.ms = Math.round(performance.now() - begun);
        state.textContent = `Preview from ${found.people} drawn people, ${found.doses} doses in two years.`;
        if (moved) timer = setTimeout(full, 1200);
      } else fault.textContent = response.status === 404 ? "The drawn people are held no more; run the plan in full." : found.said ?? found.detail;
    } catch { state.textContent = "The service does not answer."; } finally {
      busy = false;
      if (again) { again = false; preview(); }
    }
  };
  form.addEventListener("input", () => { moved = true; preview(); });
  form.addEventListener("submit", (event) => { event.preventDefault(); full(); });
  if (figure.dataset.own) fetch(`${base()}/chart/labs.json?own=1`).then((r) => r.json()).then((spec) => draw(place, spec)).then(() => { figure.dataset.state = "full"; });
  else preview();
}

function ready() {
  watchFigures(document);
  watchSliders();
  watchNerves();
  watchPlan();
  const held = $("#document");
  // The tab keeps the case for as long as it is open, so that nothing is lost when the service is started anew.
  try { if (held) sessionStorage.setItem("corrin.case", held.value); } catch { /* no storage: nothing is kept */ }
}

const form = $("#who"), drop = $("#drop"), visit = $("#visit"), recover = $("#recover");
if (form) watchForm(form);
if (drop) watchDrop(drop);
$("#summary")?.focus();
if (visit) { ready(); if (visit.dataset.pending === "yes") follow(visit); }
if (recover) {
  try {
    const held = sessionStorage.getItem("corrin.case");
    if (held) { $("textarea", recover).value = held; recover.hidden = false; }
  } catch { /* nothing is held */ }
}
for (const forget of $$("form[action$='/forget']")) forget.addEventListener("submit", () => { try { sessionStorage.removeItem("corrin.case"); } catch { /* nothing was held */ } });
