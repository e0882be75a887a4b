/** A bump allocator: memory is freed all at once. */

const PAGE_BYTES: usize = 1 << 16;
const STEP_PAGES: i32 = 1 << 8;
const ALIGNED: usize = 16;

const bottom: usize = (__heap_base + ALIGNED - 1) & ~(ALIGNED - 1);
let top: usize = bottom;

/** Allocates zeroed bytes. */
export function allocate(bytes: usize): usize {
  const at = top;
  top = (at + bytes + ALIGNED - 1) & ~(ALIGNED - 1);
  const missing = (((top + PAGE_BYTES - 1) / PAGE_BYTES) as i32) - memory.size();
  // In large steps, since each growth makes the engine collect garbage.
  if (missing > 0 && memory.grow(max(missing, STEP_PAGES)) < 0 && memory.grow(missing) < 0) unreachable();
  memory.fill(at, 0, bytes);
  return at;
}

/** Allocates a larger block with the contents of a smaller one. */
export function reallocate(from: usize, bytes: usize, more: usize): usize {
  const at = allocate(more);
  memory.copy(at, from, bytes);
  return at;
}

/** Frees everything. */
export function freeAll(): void {
  top = bottom;
}
