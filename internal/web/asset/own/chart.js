// Draws the charts of a page: each figure with data-chart holds a box and its
// option as JSON. A colour may be named as a style variable ("--teal").
(function () {
  "use strict";
  var charts = [];
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
  // Style variables hold light-dark(): a probe element says what they come to.
  function css() {
    var probe = document.createElement("i");
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
  function draw() {
    charts.forEach(function (c) { c.dispose(); });
    charts = [];
    var colours = css();
    document.querySelectorAll("[data-chart]").forEach(function (fig) {
      var box = fig.querySelector(".chart"), data = document.getElementById(box.id + "-data");
      if (!data) return;
      var option = resolve(JSON.parse(data.textContent), colours.get);
      option.animation = false;
      option.textStyle = Object.assign({ fontFamily: "Inter, system-ui, sans-serif", color: colours.get("--dim") }, option.textStyle);
      var c = echarts.init(box, null, { renderer: "svg" });
      c.setOption(option);
      c.on("click", function (p) {
        var href = p.data && p.data.href;
        if (href) location.href = href;
      });
      charts.push(c);
    });
    colours.end();
  }
  addEventListener("resize", function () { charts.forEach(function (c) { c.resize(); }); });
  document.addEventListener("cairn:theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("htmx:oobAfterSwap", function (e) { if (e.detail.target.querySelector("[data-chart]")) draw(); });
  document.addEventListener("htmx:afterSwap", function (e) { if (e.target.querySelector && e.target.querySelector("[data-chart]")) draw(); });
  draw();
})();
