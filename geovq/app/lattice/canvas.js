// A drawing area of a few pixels, as many as the data say. Streamlit calls this again whenever the page is drawn: what
// is on it stays, unless the area has to have another size.
const RADIUS = 1.3, STEP = 0.25, PAUSE_MS = 250;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export default function ({ parentElement, data, setStateValue }) {
  const canvas = parentElement.querySelector("canvas"), { width, height } = data;
  canvas.send = setStateValue;
  if (canvas.pixels && canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
  canvas.setAttribute("aria-label", `Drawing area, ${width} by ${height} pixels. Arrows move the pen, with Shift they draw; `
    + "Space makes a dot.");
  const pixels = canvas.pixels = Uint8Array.from(atob(data.pixels), (letter) => letter.charCodeAt(0));
  const context = canvas.getContext("2d"), pen = parentElement.querySelector(".pen");
  const eraser = parentElement.querySelector(".erase");
  let last = null, timer = null, x = width >> 1, y = height >> 1;
  pen.style.width = `${100 / width}%`;
  pen.style.height = `${100 / height}%`;

  const erasing = () => eraser.getAttribute("aria-pressed") === "true";
  const show = () => {
    const picture = context.createImageData(width, height);
    pixels.forEach((value, i) => picture.data.set([value, value, value, 255], 4 * i));
    context.putImageData(picture, 0, 0);
    pen.style.left = `${(100 * x) / width}%`;
    pen.style.top = `${(100 * y) / height}%`;
  };
  const send = () => canvas.send("pixels", btoa(String.fromCharCode(...pixels)));
  const sendSoon = () => { clearTimeout(timer); timer = setTimeout(send, PAUSE_MS); };
  const dab = (cx, cy) => {
    for (let i = 0; i < pixels.length; i++) {
      const far = Math.hypot((i % width) + 0.5 - cx, Math.floor(i / width) + 0.5 - cy);
      const ink = 255 * Math.min(Math.max(RADIUS + 0.5 - far, 0), 1);
      pixels[i] = erasing() ? Math.min(pixels[i], 255 - ink) : Math.max(pixels[i], ink);
    }
  };
  const stroke = ([fromX, fromY], [toX, toY]) => {
    const n = Math.max(1, Math.ceil(Math.hypot(toX - fromX, toY - fromY) / STEP));
    for (let i = 0; i <= n; i++) dab(fromX + ((toX - fromX) * i) / n, fromY + ((toY - fromY) * i) / n);
    show();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  };

  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    clearTimeout(timer);
    last = place(event);
    stroke(last, last);
  };
  canvas.onpointermove = (event) => {
    if (!last) return;
    const here = place(event);
    stroke(last, here);
    last = here;
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (last) sendSoon();
    last = null;
  };
  canvas.onkeydown = (event) => {
    const move = MOVES[event.key], draws = event.key === " " || event.shiftKey;
    if (!move && event.key !== " ") return;
    event.preventDefault();
    const from = [x + 0.5, y + 0.5];
    if (move) {
      x = Math.min(Math.max(x + move[0], 0), width - 1);
      y = Math.min(Math.max(y + move[1], 0), height - 1);
    }
    if (draws) { stroke(from, [x + 0.5, y + 0.5]); sendSoon(); } else show();
  };
  eraser.onclick = () => eraser.setAttribute("aria-pressed", String(!erasing()));
  parentElement.querySelector(".clear").onclick = () => { pixels.fill(0); show(); clearTimeout(timer); send(); };
  show();
}
