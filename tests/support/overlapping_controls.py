"""Whether a page draws controls over one another, by their boxes in a browser."""

from __future__ import annotations

from typing import Final

OVERLAPS: Final = """() => {
    const layer = (element) => {
        for (let one = element; one; one = one.parentElement) {
            if (["fixed", "sticky"].includes(getComputedStyle(one).position)) return one;
        }
        return null;
    };
    const seen = (element, box) => {
        let { left, top, right, bottom } = box;
        for (let one = element.parentElement; one && one !== document.body; one = one.parentElement) {
            if (getComputedStyle(one).overflow === "visible") continue;
            const clip = one.getBoundingClientRect();
            left = Math.max(left, clip.left);
            top = Math.max(top, clip.top);
            right = Math.min(right, clip.right);
            bottom = Math.min(bottom, clip.bottom);
        }
        return { left, top, right, bottom };
    };
    const controls = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
        .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
        .filter((one) => !one.closest(".visually-hidden, .skip-link, .sound-mark-label"));
    const boxes = controls.flatMap((one) => [...one.getClientRects()].map((box) => [one, layer(one), seen(one, box)]));
    const said = (one) => `${one.tagName.toLowerCase()} ${one.id || one.name || one.textContent.trim().slice(0, 30)}`;
    const found = new Set();
    boxes.forEach(([one, its, a], number) => boxes.slice(number + 1).forEach(([other, theirs, b]) => {
        if (one.contains(other) || other.contains(one) || its !== theirs) return;
        const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (width > 2 && height > 2) found.add(`${said(one)} and ${said(other)}`);
    }));
    return [...found];
}"""
"""The pairs of controls that a page draws over one another, as far as they are not scrolled out of sight. The labels of
marks on a spectrogram are where the sound is."""
