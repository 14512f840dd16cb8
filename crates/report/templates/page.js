"use strict";
// Reads the values of an epoch out under the pointer. Everything else on the page works without this script.
(() => {
  const { runs } = JSON.parse(document.getElementById("data").textContent);
  const readout = document.getElementById("readout");
  const values = {
    loss: (e) => [["train", e.train.loss], ["valid", e.valid.loss], ["averaged", e.ema?.loss]],
    top1: (e) => [["train", e.train.top1], ["valid", e.valid.top1], ["averaged", e.ema?.top1]],
    lr: (e) => [["", e.lr]],
    images_per_second: (e) => [["", e.images_per_second]],
  };
  const text = (value) => (value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(3) : String(Number(value.toPrecision(5))));

  function line(parent, words, className) {
    const div = parent.appendChild(document.createElement("div"));
    if (className) {
      div.className = className;
      div.appendChild(document.createElement("span")).className = "swatch";
    }
    div.append(words);
  }

  function show(svg, event) {
    const d = svg.dataset;
    const [first, last, left, right] = [d.first, d.last, d.left, d.right].map(Number);
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const epoch = Math.round(Math.min(last, Math.max(Math.max(first, 1), first + ((x - left) / (right - left)) * (last - first))));
    const place = left + ((epoch - first) / (last - first)) * (right - left);
    const cursor = svg.querySelector(".cursor");
    cursor.setAttribute("transform", `translate(${place} 0)`);
    cursor.style.visibility = "visible";

    readout.replaceChildren();
    line(readout, `epoch ${epoch}`);
    runs.forEach((run, index) => {
      const record = run.epochs.find((record) => record.epoch === epoch);
      if (!record || !document.getElementById(`show-${index}`).checked) return;
      const words = values[d.chart](record).filter(([, value]) => value !== undefined && value !== null);
      line(readout, `${run.name}: ${words.map(([name, value]) => `${name} ${text(value)}`.trim()).join(", ")}`, `run-${index}`);
    });
    readout.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = readout;
    readout.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 4))}px`;
    readout.style.top = `${event.clientY + height + 20 > innerHeight ? Math.max(4, event.clientY - height - 14) : event.clientY + 14}px`;
  }

  for (const svg of document.querySelectorAll("svg.chart")) {
    svg.addEventListener("pointermove", (event) => show(svg, event));
    svg.addEventListener("pointerdown", (event) => show(svg, event));
    svg.addEventListener("pointerleave", () => {
      readout.hidden = true;
      svg.querySelector(".cursor").style.visibility = "hidden";
    });
  }
})();
