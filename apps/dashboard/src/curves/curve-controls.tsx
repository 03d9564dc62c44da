import { compared, followed, logKl, logSteps, smoothing, withoutOutliers, zoom } from './curve-settings.js';

const parts = { all: null, 'last half': 0.5, 'last tenth': 0.1 } as const;

export function CurveControls() {
  const isDragged = followed.value === null && zoom.value !== null;
  const part = Object.entries(parts).find(([, share]) => share === followed.value)?.[0];
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
        <select value={isDragged ? 'dragged' : part} onChange={(event) => show(event.currentTarget.value)}>
          {Object.keys(parts).map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
          {isDragged && <option value="dragged">dragged</option>}
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

function show(name: string): void {
  zoom.value = null;
  followed.value = parts[name as keyof typeof parts] ?? null;
}
