// The live page: verdicts are put on top as they come, counted, and overrides are marked in the title and, if
// wanted, by a sound. The rows come as HTML that the gate has made and escaped.
"use strict";
(() => {
  const table = document.getElementById("verdicts");
  if (!table || !window.EventSource) return;
  const ROWS_MAX = 300;
  const body = table.tBodies[0];
  const link = document.getElementById("link");
  const sound = document.getElementById("sound");
  const title = document.title;
  let unseen = 0;
  let missed = false;
  const say = (name) => { if (!missed) link.textContent = link.dataset[name]; };

  const beep = () => {
    if (!sound.checked) return;
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    tone.frequency.value = 880;
    tone.connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.25);
    tone.onended = () => audio.close();
  };

  const mark = () => {
    if (document.hidden) unseen += 1;
    document.title = unseen ? `(${unseen}) ● ${title}` : title;
    beep();
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { unseen = 0; document.title = title; }
  });

  const source = new EventSource(table.dataset.stream);
  source.addEventListener("open", () => say("on"));
  source.addEventListener("error", () => say("off"));
  const add = (decision, more) => {
    const count = document.querySelector(`[data-count="${CSS.escape(decision)}"]`);
    if (count) count.textContent = String(Number(count.textContent) + more);
  };

  // So many were forwarded that not each has a row.
  const unshown = document.getElementById("unshown");
  source.addEventListener("counted", (event) => {
    let sum = 0;
    for (const [decision, more] of Object.entries(JSON.parse(event.data))) {
      add(decision, more);
      sum += more;
    }
    unshown.textContent = String(Number(unshown.textContent) + sum);
    unshown.parentElement.hidden = false;
  });
  source.addEventListener("missed", () => { say("missed"); missed = true; });
  source.addEventListener("verdict", (event) => {
    if (body.querySelector(`[data-entry="${CSS.escape(event.lastEventId)}"]`)) return;
    body.insertAdjacentHTML("afterbegin", event.data);
    const row = body.firstElementChild;
    row.classList.add("fresh");
    while (body.rows.length > ROWS_MAX) body.deleteRow(-1);
    document.getElementById("none")?.remove();
    add(row.dataset.decision, 1);
    if (row.dataset.decision === "override") mark();
  });
})();

// 运行: what is left of a bypass; the page is loaded anew when its time is over.
(() => {
  const left = document.querySelector("[data-left]");
  if (!left) return;
  const end = performance.now() + Number(left.dataset.left) * 1000;
  const two = (number) => String(number).padStart(2, "0");
  const show = () => {
    const seconds = Math.max(0, Math.round((end - performance.now()) / 1000));
    left.textContent = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    if (seconds === 0) { clearInterval(ticks); setTimeout(() => location.assign("/operations"), 1500); }
  };
  const ticks = setInterval(show, 1000);
  show();
})();
