"use strict";
// The pictures become plots that can be zoomed and pointed at. They are of the page: nothing is loaded.
(() => {
  const places = [...document.querySelectorAll(".plot")];
  const packed = document.getElementById("plotly");
  const pictures = places.map((place) => place.querySelector("noscript")?.textContent ?? "");
  const phone = matchMedia("(pointer: coarse)").matches;
  const config = { displaylogo: false, displayModeBar: phone ? false : "hover",
    modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]] };

  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  // A name takes about 8 px a letter and 45 px of line and space.
  const rows = (figure, width) => {
    const names = [...figure.data, ...figure.layout.shapes].filter((one) => one.showlegend);
    const longest = Math.max(0, ...names.map((one) => one.name.length * 7.5 + 50));
    const beside = Math.max(1, Math.floor(width / longest));
    return figure.layout.showlegend ? Math.ceil(names.length / beside) : 0;
  };
  const height = (figure, width) => figure.high + 26 * rows(figure, width);

  const draw = async () => {
    const figures = JSON.parse(document.getElementById("figures").textContent);
    const script = document.createElement("script");
    script.textContent = await unpack(packed.textContent);
    document.head.append(script);
    for (const [at, place] of places.entries()) {
      const figure = figures[at];
      const layout = { ...figure.layout, height: height(figure, place.clientWidth) };
      // A finger that moves over a plot moves the page.
      if (phone) layout.dragmode = false;
      place.textContent = "";
      place.style.minHeight = 0;
      await Plotly.newPlot(place, figure.data, layout, config);
      await new Promise((next) => setTimeout(next));
    }
    const fit = (width) => places.forEach((place, at) => {
      const high = height(figures[at], width?.(place) ?? place.clientWidth);
      Plotly.relayout(place, { width: width?.(place) ?? null, autosize: !width, height: high });
    });
    // A4 and Letter between their margins have 640 px at least.
    addEventListener("beforeprint", () => fit((place) => place.closest(".many") ? 310 : 640));
    addEventListener("afterprint", () => fit());
    let seen = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth !== seen) fit();
      seen = innerWidth;
    });
    document.body.dataset.drawn = places.length;
  };
  if (packed) draw().catch((error) => {
    console.warn("the plots stay pictures:", error);
    places.forEach((place, at) => { place.innerHTML = pictures[at]; });
  });

  // Where there is no mouse to point with, a touch tells where a number is from.
  let told = null;
  addEventListener("click", ({ target }) => {
    told?.remove();
    const number = target.closest?.("data");
    if (!number) return;
    told = Object.assign(document.createElement("div"), { className: "told", role: "status" });
    told.textContent = `${number.value}: ${number.title}`;
    document.body.append(told);
    const { left, bottom } = number.getBoundingClientRect();
    const most = document.documentElement.clientWidth - told.offsetWidth - 8;
    told.style.left = `${Math.max(8, Math.min(left, most)) + scrollX}px`;
    told.style.top = `${bottom + scrollY + 4}px`;
  });
})();
