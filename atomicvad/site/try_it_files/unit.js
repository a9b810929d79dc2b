// The growing cosine unit: four sliders over the curves that ten seeds have learned.

const SCALARS = ["w1", "b1", "w2", "b2"];
const NAMES = { w1: "w₁", b1: "b₁", w2: "w₂", b2: "b₂" };

function growingCosine({ w1, b1, w2, b2 }, x) {
  return (w1 * x + b1) * Math.cos(w2 * x + b2);
}

/** The sliders and their picture. */
class UnitView {
  constructor() {
    this.canvas = document.getElementById("unit-curve");
    this.block = document.getElementById("unit-block");
    this.seed = document.getElementById("unit-seed");
    this.seed.append(...assets.options.seeds.map((seed, n) => new Option(seed, n)));
    this.sliders = Object.fromEntries(SCALARS.map((name) => [name, this.slider(name)]));
    this.block.onchange = this.seed.onchange = () => this.take();
    this.take();
  }

  slider(name) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "range" });
    const output = document.createElement("output");
    input.id = `unit-${name}`;
    output.htmlFor = input.id;
    label.className = "try-wide";
    label.append(NAMES[name], input, output);
    document.getElementById("unit-scalars").append(label);
    input.oninput = () => {
      output.value = Number(input.value).toFixed(2).replace("-", "−");
      this.draw();
    };
    return input;
  }

  get units() {
    return assets.units[this.block.value];
  }

  /** The sliders take the values of the chosen seed. */
  take() {
    const chosen = this.units[this.seed.value];
    for (const name of SCALARS) {
      const most = Math.max(...this.units.map((unit) => Math.abs(unit[name])), 0.5);
      const reach = Math.ceil(1.5 * most * 10) / 10;
      const slider = this.sliders[name];
      Object.assign(slider, { min: -reach, max: reach, step: 0.01, value: chosen[name] });
      slider.oninput();
    }
  }

  get values() {
    return Object.fromEntries(SCALARS.map((name) => [name, Number(this.sliders[name].value)]));
  }

  draw() {
    const { context, width, height } = emptied(this.canvas);
    const colours = coloursOf(this.canvas);
    const { first, last, density } = this.units[this.seed.value];
    const curve = (unit) =>
      Array.from({ length: 201 }, (_, n) => {
        const x = first + ((last - first) * n) / 200;
        return [x, growingCosine(unit, x)];
      });
    const learned = this.units.map(curve);
    const most = 1.1 * Math.max(...learned.flat().map(([, y]) => Math.abs(y)));
    const place = ([x, y]) => [
      ((x - first) / (last - first)) * width,
      (0.5 - y / most / 2) * (height - 20),
    ];
    context.fillStyle = colours.shade;
    const highest = Math.max(...density);
    density.forEach((count, n) => {
      const rise = (count / highest) * 0.45 * (height - 20);
      const bar = width / density.length;
      context.fillRect(n * bar, height - 20 - rise, bar + 0.5, rise);
    });
    context.strokeStyle = colours.grid;
    context.lineWidth = 1;
    line(context, [place([first, 0]), place([last, 0])]);
    line(context, [place([0, -most]), place([0, most])]);
    context.strokeStyle = colours.seed;
    learned.forEach((points) => line(context, points.map(place)));
    context.strokeStyle = colours.mean;
    context.lineWidth = 3;
    line(context, curve(this.values).map(place));
    context.fillStyle = colours.text;
    context.textAlign = "center";
    const step = last - first > 8 ? 2 : 1;
    for (let x = Math.ceil(first / step) * step; x <= last; x += step) {
      context.fillText(String(x).replace("-", "−"), Math.max(6, Math.min(width - 6, place([x, 0])[0])), height - 5);
    }
    context.textAlign = "left";
    context.fillText(most.toFixed(1), 3, 12);
    context.fillText(`−${most.toFixed(1)}`, 3, height - 24);
  }
}
