export function copy(target: usize, source: usize, bytes: usize): void {
  memory.copy(target, source, bytes);
}

export function fill(target: usize, value: f32, length: u32): void {
  const lanes = f32x4.splat(value);
  const bytes = <usize>(length & ~3) << 2;
  for (let i: usize = 0; i < bytes; i += 16) v128.store(target + i, lanes);
  for (let i = bytes; i < <usize>length << 2; i += 4) store<f32>(target + i, value);
}

// @ts-ignore: decorator
@inline
function divided(integers: v128, divisor: v128): v128 {
  return f32x4.div(f32x4.convert_i32x4_s(integers), divisor);
}

/** target[i] = bytes[i] / 255 */
export function bytesToUnitInterval(target: usize, bytes: usize, length: u32): void {
  const divisor = f32x4.splat(255);
  const wide = <usize>(length & ~7);
  for (let i: usize = 0; i < wide; i += 8) {
    const shorts = v128.load_ext<u8>(bytes + i);
    v128.store(target + (i << 2), divided(i32x4.extend_low_i16x8_u(shorts), divisor));
    v128.store(target + (i << 2), divided(i32x4.extend_high_i16x8_u(shorts), divisor), 16);
  }
  for (let i = wide; i < <usize>length; i++) store<f32>(target + (i << 2), <f32>load<u8>(bytes + i) / 255);
}
