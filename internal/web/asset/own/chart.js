// Draws the charts of a page: each figure with data-chart holds a box and its
// option as JSON. A colour may be named as a style variable ("--teal").
(function () {
  "use strict";
  var charts = [], face = "Inter, system-ui, sans-serif";
  function resolve(v, css) {
    if (typeof v === "string" && v.slice(0, 2) === "--") return css(v);
    if (Array.isArray(v)) return v.map(function (x) { return resolve(x, css); });
    if (v && typeof v === "object") {
      var o = {};
      Object.keys(v).forEach(function (k) { o[k] = resolve(v[k], css); });
      return o;
    }
    return v;
  }
  // Style variables hold light-dark(): a probe element says what they come to,
  // in the page's own light or in another.
  function css(scheme) {
    var probe = document.createElement("i");
    if (scheme) probe.style.colorScheme = scheme;
    // No transition: with reduced motion every change is one, and the colour
    // read would be that of the change before.
    probe.style.setProperty("transition", "none", "important");
    document.body.appendChild(probe);
    var seen = {};
    return {
      get: function (name) {
        if (!(name in seen)) {
          probe.style.color = "var(" + name + ")";
          seen[name] = getComputedStyle(probe).color;
        }
        return seen[name];
      },
      end: function () { probe.remove(); }
    };
  }
  function optionOf(data, colour) {
    var option = resolve(JSON.parse(data.textContent), colour);
    var base = option.baseOption || option;
    base.animation = false;
    base.textStyle = Object.assign({ fontFamily: face, color: colour("--dim") }, base.textStyle);
    return option;
  }
  function draw() {
    charts.forEach(function (c) { c.dispose(); });
    charts = [];
    var colours = css();
    document.querySelectorAll("[data-chart]").forEach(function (fig) {
      var box = fig.querySelector(".chart"), data = document.getElementById(box.id + "-data");
      if (!data) return;
      var c = echarts.init(box, null, { renderer: "svg" });
      c.setOption(optionOf(data, colours.get));
      c.on("click", function (p) {
        var href = p.data && p.data.href;
        if (href) location.href = href;
      });
      charts.push(c);
    });
    colours.end();
  }
  // A picture for elsewhere is always light and equally wide, and says by
  // itself what it shows, how that is reckoned and when it was made.
  function picture(fig) {
    var words = fig.querySelector("[data-chart-files]").dataset, box = fig.querySelector(".chart");
    var colours = css("light"), width = 1200, height = Math.max(340, box.clientHeight), ratio = 2, edge = 28;
    var off = document.createElement("div");
    off.style.cssText = "position:absolute;left:-9999px;width:" + (width - 2 * edge) + "px;height:" + height + "px";
    document.body.appendChild(off);
    var c = echarts.init(off, null, { renderer: "canvas", width: width - 2 * edge, height: height });
    c.setOption(optionOf(document.getElementById(box.id + "-data"), colours.get));
    var drawn = c.getRenderedCanvas({ pixelRatio: ratio, backgroundColor: colours.get("--surface") });
    var all = document.createElement("canvas"), top = 84, foot = 44;
    all.width = width * ratio;
    all.height = (top + height + foot) * ratio;
    var g = all.getContext("2d");
    g.scale(ratio, ratio);
    g.fillStyle = colours.get("--surface");
    g.fillRect(0, 0, width, top + height + foot);
    write(g, words.title, edge, 38, "600 20px " + face, colours.get("--ink"), width - 2 * edge);
    write(g, words.note, edge, 64, "400 14px " + face, colours.get("--dim"), width - 2 * edge);
    g.drawImage(drawn, edge, top, width - 2 * edge, height);
    write(g, "Cairn, " + words.made, edge, top + height + 26, "400 13px " + face, colours.get("--dim"), width - 2 * edge);
    c.dispose();
    off.remove();
    colours.end();
    return all;
  }
  // Text that is too long for the picture is cut.
  function write(g, text, x, y, font, colour, wide) {
    g.font = font;
    g.fillStyle = colour;
    var cut = text;
    while (cut && g.measureText(cut + "…").width > wide) cut = cut.slice(0, -1);
    g.fillText(g.measureText(text).width > wide ? cut + "…" : text, x, y);
  }
  document.addEventListener("click", function (e) {
    var button = e.target.closest && e.target.closest("[data-save-chart]");
    if (!button) return;
    var fig = button.closest("[data-chart]");
    document.fonts.ready.then(function () {
      picture(fig).toBlob(function (png) {
        var a = document.createElement("a");
        a.href = URL.createObjectURL(png);
        a.download = fig.querySelector(".chart").id + ".png";
        a.click();
        setTimeout(function () { URL.revokeObjectURL(a.href); }, 10000);
      }, "image/png");
    });
  });
  addEventListener("resize", function () { charts.forEach(function (c) { c.resize(); }); });
  document.addEventListener("cairn:theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("htmx:oobAfterSwap", function (e) { if (e.detail.target.querySelector("[data-chart]")) draw(); });
  document.addEventListener("htmx:afterSwap", function (e) { if (e.target.querySelector && e.target.querySelector("[data-chart]")) draw(); });
  draw();
})();
