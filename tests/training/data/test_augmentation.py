"""Augmented copies differ from their texts in masked words and exchanged names."""

from training.data.augmentation import MASK, augmented


def test_augmented_copies_differ_from_their_texts_in_masks_and_names():
    texts = [
        f"{name} cuts its dividend after a weak third quarter" for name in ("Norwick", "$TLS", "Brambley")
    ] * 40
    copies = augmented(texts, 2, seed=1)
    assert copies == augmented(texts, 2, seed=1) != augmented(texts, 2, seed=2)
    assert len(copies) == 2 * len(texts) and copies[: len(texts)] != copies[len(texts) :]
    words = [word for copy in copies for word in copy.split()]
    others = {word for text in texts for word in text.split()} | {MASK}
    assert set(words) == others
    assert 0.05 < words.count(MASK) / len(words) < 0.13  # 0.1 of the words that are no names, 8 of 9
    renamed = [copy.split()[0] != text.split()[0] for copy, text in zip(copies, texts * 2, strict=True)]
    assert 0.15 < sum(renamed) / len(renamed) < 0.4  # 0.3, and a third of them by the same name; then masks
