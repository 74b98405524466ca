"""What a guard's thermometer reads at a gate in winter, one person after another."""

from random import Random

from devices.simulated.compound import Gun

LIMIT_CELSIUS = 36.9  # of a forehead; the guard measures again from here
IMPLAUSIBLE_CELSIUS = 35.0  # below it the gun has read the wind


def person(rng: Random, gun: Gun, stands_for: float = 1.0) -> list[tuple[float, float]]:
    """One person's readings as (seconds after the first, celsius), until the guard lets them go or the doctor comes.

    Where people live faster than guards can measure, each one measured stands for several.
    """
    feverish = rng.random() < 0.0008 * stands_for
    body = rng.uniform(37.6, 39.4) if feverish else rng.gauss(36.35, 0.16)
    # A cold wind cools foreheads; whoever stands in the shelter for a minute reads true again.
    chill = max(0.0, rng.gauss(0.0, 0.9)) if gun.ambient < 8 and rng.random() < 0.10 else 0.0
    # A gun fresh from a warm pocket reads the first forehead too high.
    warm = rng.uniform(0.7, 1.4) if rng.random() < 0.003 else 0.0
    readings: list[tuple[float, float]] = []
    after_s, high, low = 0.0, 0, 0
    for attempt in range(3):
        fade = (1.0, 0.25, 0.0)[attempt]
        celsius = round(body - chill * fade + warm * fade + rng.gauss(0, 0.06), 1)
        readings.append((after_s, celsius))
        after_s += rng.uniform(12, 50)
        if celsius < IMPLAUSIBLE_CELSIUS:
            continue
        if celsius >= LIMIT_CELSIUS:
            high += 1
        elif high:
            low += 1
        if not high or high == 2 or low == 2 or celsius >= 38.5:
            break
        # A queue behind, and the second look is forgotten.
        if rng.random() < 0.03:
            break
    return readings
