"use strict";
(() => {
  const tip = document.getElementById("tip");
  const show = (point) => {
    tip.textContent = point.dataset.tip;
    const spot = point.getBoundingClientRect(), box = tip.getBoundingClientRect();
    const x = Math.min(Math.max(6, spot.left + spot.width / 2 - box.width / 2), innerWidth - box.width - 6);
    const above = spot.top - box.height - 6;
    tip.style.transform = `translate(${x}px, ${above > 4 ? above : spot.bottom + 6}px)`;
    tip.style.visibility = "visible";
  };
  const hide = () => { tip.style.visibility = "hidden"; };
  const pointOf = (event) => event.target.closest?.("[data-tip]");
  for (const name of ["pointerover", "focusin", "click"]) {
    document.addEventListener(name, (event) => { const point = pointOf(event); if (point) show(point); else if (name !== "focusin") hide(); });
  }
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const point = pointOf(event), by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!point || !by) return;
    const same = [...point.ownerSVGElement.querySelectorAll("[data-tip]")].filter((other) => other.dataset.series === point.dataset.series);
    same[same.indexOf(point) + by]?.focus();
    event.preventDefault();
  });

  for (const button of document.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      for (const shape of button.closest("figure").querySelectorAll("svg [data-series]")) {
        if (shape.dataset.series === button.dataset.series) shape.classList.toggle("off", !on);
      }
    });
  }

  const make = (name, className, parent) => {
    const element = document.createElement(name);
    element.className = className;
    parent.append(element);
    return element;
  };
  for (const viewer of document.querySelectorAll(".viewer")) {
    const panels = [...viewer.querySelectorAll(".panel")], ours = viewer.querySelector(".panel.ours");
    const rivals = panels.filter((panel) => panel !== ours && panel.dataset.name !== "original");
    const stage = viewer.querySelector(".stage");
    const under = make("img", "under", stage), over = make("img", "over", stage);
    make("div", "bar", stage);
    const left = make("span", "left", stage), right = make("span", "right", stage);
    const slider = make("input", "", stage);
    Object.assign(slider, { type: "range", min: 0, max: 100, step: 0.5, value: 50 });
    slider.addEventListener("input", () => stage.style.setProperty("--at", `${slider.value}%`));
    const caption = (panel) => `${panel.dataset.name} \u00b7 ${panel.dataset.facts}`;
    over.src = ours.querySelector("img").src;
    over.alt = ours.querySelector("img").alt;
    left.textContent = caption(ours);
    const choose = (panel) => {
      under.src = panel.querySelector("img").src;
      under.alt = panel.querySelector("img").alt;
      right.textContent = caption(panel);
      slider.setAttribute("aria-label", `${ours.dataset.name} on the left, ${panel.dataset.name} on the right`);
      for (const other of panels) {
        other.classList.toggle("chosen", other === panel);
        if (other !== ours) other.setAttribute("aria-pressed", String(other === panel));
      }
    };
    for (const panel of panels) {
      if (panel === ours) continue;
      panel.tabIndex = 0;
      panel.setAttribute("role", "button");
      panel.setAttribute("aria-label", `compare with ${panel.dataset.name}, ${panel.dataset.facts}`);
      panel.addEventListener("click", () => choose(panel));
      panel.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { choose(panel); event.preventDefault(); }
      });
    }
    viewer.classList.add("live");
    choose(rivals[0] ?? panels[0]);
  }
})();
