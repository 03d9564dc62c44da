import type { LatentPlane } from '@elbo/protocol/cluster';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { getPicture, reasonOf } from '../api/client.js';
import { LatestWins } from '../api/latest-wins.js';
import type { Point } from './plane-view.js';

interface DecodedPictureProps {
  readonly runId: string;
  readonly plane: LatentPlane;
  readonly pointer: Point | null;
}

/** What the decoder makes of the pointer's place: one request at a time, the newest place next. */
export function DecodedPicture({ runId, plane, pointer }: DecodedPictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useSignal<Point | null>(null);
  const problem = useSignal<string | null>(null);
  const decoder = useMemo(
    () =>
      new LatestWins(
        ({ x, y }: Point, signal) => getPicture(`runs/${runId}/decode.png?x=${x.toFixed(4)}&y=${y.toFixed(4)}`, signal),
        (picture, at) => {
          if (canvas.current) paint(canvas.current, picture);
          shown.value = at;
          problem.value = null;
        },
        (error) => {
          problem.value = reasonOf(error);
        },
      ),
    [runId],
  );
  useEffect(() => () => decoder.stop(), [decoder]);
  // New parameters give another picture of the same place.
  // The plane's step stands for its parameters.
  useEffect(() => {
    if (pointer) decoder.ask(pointer);
  }, [pointer, plane.step]);
  const at = shown.value;
  return (
    <figure class="card side-picture">
      <figcaption>
        <h2>Decoded</h2>
        <p class="muted">{at === null ? 'Drag through the plane, or use the arrow keys.' : `at ${written(at)}`}</p>
      </figcaption>
      <div class="pixel-frame">
        <canvas
          ref={canvas}
          class="pixels"
          width={plane.image?.width ?? 1}
          height={plane.image?.height ?? 1}
          role="img"
          aria-label={at === null ? 'Nothing decoded yet' : `Decoded at ${written(at)}`}
          data-at={at === null ? '' : written(at)}
        />
      </div>
      <p role="alert" class="problem-line">
        {problem.value}
      </p>
    </figure>
  );
}

function written({ x, y }: Point): string {
  return `${x.toFixed(2)}, ${y.toFixed(2)}`.replaceAll('-', '−');
}

function paint(canvas: HTMLCanvasElement, picture: ImageBitmap): void {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
  picture.close();
}
