//! The allocator: mimalloc, counted. The count is what shows that a request's way allocates as little as we say.
#![expect(unsafe_code, reason = "an allocator is an unsafe trait by its nature; this is the only unsafe code here")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::Ordering;

use mimalloc::MiMalloc;
use tollgate_proxy::ALLOCATIONS;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

/// Keeps this process's memory in small pages. A gateway holds many small buffers for a long time: in huge pages a few
/// bytes of each would keep two megabytes resident.
pub(crate) fn use_small_pages() {
    if let Err(error) = nix::sys::prctl::set_thp_disable(true) {
        tracing::debug!(%error, "huge pages cannot be turned off; more memory will be resident");
    }
}

/// Gives freed memory back to the system: what the start needed, such as hashing a password, is not needed again.
pub(crate) fn give_back() {
    // SAFETY: collecting has no preconditions; it frees what is already free.
    unsafe { libmimalloc_sys::mi_collect(true) };
}

fn count() {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
}

// SAFETY: every method hands its arguments on to mimalloc as they are and returns what mimalloc returned; counting
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps `alloc`'s promises.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s promises, and every block came from mimalloc.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps `alloc_zeroed`'s promises.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps `realloc`'s promises, and every block came from mimalloc.
        unsafe { MiMalloc.realloc(block, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allocation_is_counted() {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let mut list = std::hint::black_box(Vec::<u64>::with_capacity(1));
        list.extend(0..1_000);
        std::hint::black_box(&list);
        assert!(ALLOCATIONS.load(Ordering::Relaxed) >= before + 2);
    }
}
