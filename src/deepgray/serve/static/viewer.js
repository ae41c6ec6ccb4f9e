// The scan in three planes with a drawing on it. The drawing's voxels are the server's own, in its own order.

import { Niivue, SLICE_TYPE, MULTIPLANAR_TYPE, DRAG_MODE, SHOW_RENDER } from "./niivue-0.69.0.js";
import * as server from "./server.js";

const HEADER_BYTES = 352;
const STEPS_KEPT = 40;
const ALPHA = 255;

// Left, right, top and bottom of axial, coronal and sagittal planes, as the options below show them: in radiological convention, the nose on the left.
const LETTERS = [["R", "L", "A", "P"], ["R", "L", "S", "I"], ["A", "P", "S", "I"]];

export class Viewer {
  /** @param {HTMLCanvasElement} canvas  @param {{changed: Function, moved: Function, windowed: Function}} told */
  constructor(canvas, told) {
    this.canvas = canvas;
    this.told = told;
    this.header = null;
    this.steps = [];
    this.step = 0;
    this.pen = 1;
    this.spare = false;
    this.hidden = new Set();
    this.nv = new Niivue({
      backColor: [0, 0, 0, 1], crosshairColor: [0.95, 0.8, 0.3, 0.55], crosshairWidth: 0.6, crosshairGap: 4,
      fontColor: [1, 0.6, 0.1, 1], fontSizeScaling: 0.8, dragAndDropEnabled: false, logLevel: "error",
      multiplanarShowRender: SHOW_RENDER.NEVER, multiplanarLayout: MULTIPLANAR_TYPE.GRID, multiplanarPadPixels: 6,
      isRadiologicalConvention: true, sagittalNoseLeft: true, isNearestInterpolation: false, dragMode: DRAG_MODE.contrast,
      isForceMouseClickToVoxelCenters: true, maxDrawUndoBitmaps: 2, show3Dcrosshair: false, isColorbar: false,
      viewModeHotKey: "", clipPlaneHotKey: "", cycleClipPlaneHotKey: "",
    });
    this.nv.drawSliceOrientationText = (box, plane) => this.#sides(box, LETTERS[plane]);
    this.nv.onDrawingChanged = (what) => what === "draw" && this.#drawn();
    this.nv.onLocationChange = (where) => this.told.moved(where);
    this.nv.onIntensityChange = (volume) => volume === this.nv.volumes[0] && this.told.windowed(volume.cal_min, volume.cal_max);
  }

  /** The four directions of a plane, beside its cross-hair: in its middle, where they are drawn otherwise, they cannot be read. */
  #sides([left, up, width, height], [west, east, top, bottom]) {
    this.nv.gl.viewport(0, 0, this.nv.gl.canvas.width, this.nv.gl.canvas.height);
    this.nv.drawTextRight([left + 4, up + 0.2 * height], west);
    this.nv.drawTextLeft([left + width - 4, up + 0.2 * height], east);
    this.nv.drawTextBelow([left + 0.3 * width, up + 2], top);
    this.nv.drawTextAbove([left + 0.3 * width, up + height - 2], bottom);
  }

  async open(study, reviewer) {
    const drawing = await server.file(server.labelsAt(study, study.revision, reviewer));
    if (!this.ready) {
      await this.nv.attachToCanvas(this.canvas, false);
      this.ready = true;
    }
    this.nv.setDrawingEnabled(false);
    this.nv.closeDrawing();
    const [low, high] = study.window;
    const volumes = [{ url: server.scanAt(study), name: "scan.nii", colormap: "gray", cal_min: low, cal_max: high }];
    if (study.has_entropy) {
      volumes.push({ url: server.entropyAt(study), name: "entropy.nii", colormap: "inferno", cal_min: 0.3, cal_max: 1.6, opacity: 0 });
    }
    await this.nv.loadVolumes(volumes);
    this.shape = study.shape;
    this.colours = study.structures.map((s) => s.colour);
    this.hidden.clear();
    this.#paintColours();
    this.nv.createEmptyDrawing();
    this.header = drawing.slice(0, HEADER_BYTES);
    this.steps = [new Uint8Array(drawing, HEADER_BYTES).slice()];
    this.step = 0;
    this.#show();
    this.whole();
  }

  /** The drawing as a file, with the header that the server gave. */
  get file() {
    return new Blob([this.header, this.drawing]);
  }

  get drawing() {
    return this.steps[this.step];
  }

  get edited() {
    return this.step > 0;
  }

  get canRedo() {
    return this.step < this.steps.length - 1;
  }

  /** Take a whole drawing as the next step. */
  put(drawing) {
    this.steps = [...this.steps.slice(0, this.step + 1), drawing];
    if (this.steps.length > STEPS_KEPT) this.steps.splice(1, 1);
    this.step = this.steps.length - 1;
    this.#show();
    this.told.changed();
  }

  /** The server has what is shown: go on from there. */
  saved() {
    this.steps = [this.drawing];
    this.step = 0;
    this.told.changed();
  }

  putFile(buffer) {
    this.put(new Uint8Array(buffer, HEADER_BYTES).slice());
  }

  go(by) {
    const to = this.step + by;
    if (to < 0 || to >= this.steps.length) return;
    this.step = to;
    this.#show();
    this.told.changed();
  }

  use({ tool, pen, size, spare }) {
    this.pen = pen;
    this.spare = spare;
    this.erasing = tool === "eraser";
    const paints = tool === "brush" || tool === "eraser";
    this.nv.opts.penSize = size;
    this.nv.setDrawingEnabled(paints);
    if (paints) this.nv.setPenValue(this.erasing ? 0 : pen, false);
  }

  planes(type) {
    this.nv.setSliceType(type);
  }

  opacity(value) {
    this.nv.setDrawOpacity(value);
  }

  smooth(on) {
    this.nv.setInterpolation(!on);
  }

  entropy(on) {
    if (this.nv.volumes.length > 1) this.nv.setOpacity(1, on ? 0.6 : 0);
  }

  window(low, high) {
    const [scan] = this.nv.volumes;
    scan.cal_min = low;
    scan.cal_max = Math.max(high, low + 1e-6);
    this.nv.updateGLVolume();
  }

  toggle(label) {
    this.hidden.has(label) ? this.hidden.delete(label) : this.hidden.add(label);
    this.#paintColours();
  }

  /** Put the crosshair on a voxel. */
  look(index) {
    this.nv.scene.crosshairPos = this.nv.vox2frac(index);
    this.nv.drawScene();
    this.nv.createOnLocationChange();
  }

  move(x, y, z) {
    this.nv.moveCrosshairInVox(x, y, z);
  }

  get voxel() {
    return this.nv.frac2vox(this.nv.scene.crosshairPos).map((n, axis) => Math.min(Math.max(Math.round(n), 0), this.shape[axis] - 1));
  }

  labelAt([x, y, z]) {
    return this.drawing[x + this.shape[0] * (y + this.shape[1] * z)];
  }

  zoom(by) {
    const pan = this.nv.scene.pan2Dxyzmm;
    const to = Math.min(Math.max(pan[3] * by, 1), 8);
    const place = this.nv.frac2mm(this.nv.scene.crosshairPos);
    this.nv.setPan2Dxyzmm([0, 1, 2].map((a) => (to === 1 ? 0 : pan[a] + (pan[3] - to) * place[a])).concat(to));
  }

  whole() {
    this.nv.setPan2Dxyzmm([0, 0, 0, 1]);
  }

  /** Voxels of each structure. */
  counts() {
    const found = new Uint32Array(256);
    for (const label of this.drawing) found[label]++;
    return found;
  }

  #show() {
    this.nv.drawBitmap.set(this.drawing);
    this.nv.refreshDrawing(true);
  }

  /** A stroke has ended: keep it as a step, without what it may not touch. */
  #drawn() {
    const before = this.drawing;
    const after = this.nv.drawBitmap.slice();
    let changed = false;
    for (let n = 0; n < after.length; n++) {
      if (after[n] === before[n]) continue;
      if (this.spare && before[n] && before[n] !== this.pen) after[n] = before[n];
      else changed = true;
    }
    if (changed) this.put(after);
    else this.#show();
  }

  #paintColours() {
    const parts = this.colours.map((c, n) => [...c, this.hidden.has(n + 1) ? 0 : ALPHA]);
    const of = (channel) => [0, ...parts.map((p) => p[channel])];
    this.nv.setDrawColormap({ R: of(0), G: of(1), B: of(2), A: of(3), labels: ["", ...parts.map((_, n) => String(n + 1))] });
  }
}

export { SLICE_TYPE };
