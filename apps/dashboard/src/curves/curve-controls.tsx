import { compared, logKl, logSteps, smoothing, withoutOutliers, zoom } from './curve-settings.js';

interface CurveControlsProps {
  /** Newest step drawn. */
  readonly lastStep: number;
}

export function CurveControls({ lastStep }: CurveControlsProps) {
  return (
    <div class="curve-controls">
      <label class="slider">
        Smoothing <b>{smoothing.value.toFixed(2)}</b>
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={smoothing.value}
          onInput={(event) => (smoothing.value = event.currentTarget.valueAsNumber)}
        />
      </label>
      <label class="choice">
        Steps
        <select value={rangeName(lastStep)} onChange={(event) => show(event.currentTarget.value, lastStep)}>
          <option value="all">all</option>
          <option value="0.5">last half</option>
          <option value="0.1">last tenth</option>
          {rangeName(lastStep) === 'dragged' && <option value="dragged">dragged</option>}
        </select>
      </label>
      <Check label="log steps" setting={logSteps} />
      <Check label="log KL" setting={logKl} />
      <Check label="ignore outliers" setting={withoutOutliers} />
      {zoom.value !== null && (
        <button type="button" class="quiet" onClick={() => (zoom.value = null)}>
          Reset zoom
        </button>
      )}
      {compared.value.length > 0 && (
        <button type="button" class="quiet" onClick={() => (compared.value = [])}>
          Compare with none
        </button>
      )}
    </div>
  );
}

function Check({ label, setting }: { readonly label: string; readonly setting: { value: boolean } }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={setting.value}
        onChange={(event) => (setting.value = event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

function show(name: string, lastStep: number): void {
  zoom.value = name === 'all' ? null : [Math.max(1, lastStep * (1 - Number(name))), lastStep];
}

function rangeName(lastStep: number): string {
  if (zoom.value === null) return 'all';
  const [from, to] = zoom.value;
  if (to !== lastStep) return 'dragged';
  const known = ['0.5', '0.1'].find((name) => Math.abs(from - Math.max(1, lastStep * (1 - Number(name)))) < 0.5);
  return known ?? 'dragged';
}
