"""Places are given in the order in which threads asked for them."""

import threading
import time

from litmine.explore.slots import Slots


def wait_until(slots: Slots, waiting: int) -> None:
    deadline = time.monotonic() + 60
    while len(slots._waiting) < waiting:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_who_waits_longest_is_next_even_before_who_comes_when_a_place_is_free() -> None:
    slots, order = Slots(1), []
    assert slots.acquire()

    def use(number: int) -> None:
        with slots:
            order.append(number)

    threads = [threading.Thread(target=use, args=[number]) for number in range(5)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_until(slots, number + 1)
    slots.release()
    # The place belongs to the thread that waits, although it may not have woken up yet.
    assert slots.acquire(60)
    order.append(5)
    slots.release()
    for thread in threads:
        thread.join(60)
    assert order == [0, 1, 2, 3, 4, 5]


def test_who_gives_up_leaves_the_queue_and_no_place_is_lost() -> None:
    slots = Slots(2)
    assert slots.acquire()
    assert slots.acquire()
    assert not slots.acquire(0.01)
    slots.release()
    assert slots.acquire(0.01)
    assert not slots.acquire(0)
    slots.release()
    slots.release()
    assert [slots.acquire(0.01) for _ in range(3)] == [True, True, False]


def test_never_more_threads_than_places_and_all_get_one() -> None:
    slots, lock = Slots(3), threading.Lock()
    inside, most, done = 0, 0, 0

    def use() -> None:
        nonlocal inside, most, done
        for number in range(200):
            if not slots.acquire(0.0001 if number % 3 else 60):
                continue
            with lock:
                inside += 1
                most = max(most, inside)
                done += 1
            with lock:
                inside -= 1
            slots.release()

    threads = [threading.Thread(target=use) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most <= 3
    assert done >= 10 * 67
    assert [slots.acquire(0) for _ in range(4)] == [True, True, True, False]
