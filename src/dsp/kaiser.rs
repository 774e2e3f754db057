//! The Kaiser window, from which the project's long filters are made.
//!
//! J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window
//! function", IEEE ISCAS 1974: I0(beta sqrt(1 - x^2)) / I0(beta), x from -1 to 1.

/// Terms of the series that are added up: exact to the last bits for beta up to 22,
/// as term 40 is then below 1e-22 of the sum.
const TERMS: usize = 40;

/// 1/n^2 from n = 1 on, the ratio of the series' terms but for the argument.
const INVERSE_SQUARES: [f64; TERMS] = {
    let mut inverse = [0.0; TERMS];
    let mut n = 1;
    while n <= TERMS {
        inverse[n - 1] = 1.0 / ((n * n) as f64);
        n += 1;
    }
    inverse
};

/// The window at `across`, 0 in the middle and 1 at its edges, where it ends on a step
/// and not on 0. Beyond them the function goes on smoothly, which interpolation there
/// needs; a filter has no taps there.
pub(super) fn kaiser(beta: f64, across: f64) -> f64 {
    bessel_i0(beta * beta * (1.0 - across * across)) / bessel_i0(beta * beta)
}

/// The modified Bessel function of order 0 at the root of `square`, by its series: the
/// sum of (square/4)^n / n!^2, from the last term to the first. There are no other
/// functions in it than `+ - *`, so that its bits are the same everywhere.
fn bessel_i0(square: f64) -> f64 {
    let quarter = square * 0.25;
    INVERSE_SQUARES.iter().rev().fold(1.0, |sum, inverse| 1.0 + sum * (quarter * inverse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bessel_function_is_that_of_the_tables() {
        // Abramowitz and Stegun, table 9.8, exp(-x) I0(x), to the table's last place;
        // at 20, which the table has not, the asymptotic series 9.7.1 to its fourth term.
        let asymptotic = {
            let eighth = 1.0 / (8.0 * 20.0);
            let series = 1.0 + eighth * (1.0 + 4.5 * eighth * (1.0 + 25.0 / 3.0 * eighth));
            series / (std::f64::consts::TAU * 20.0).sqrt()
        };
        for (x, expected, allowed) in [
            (0.0, 1.0, 0.0),
            (1.0, 0.465_759_607_6, 1e-10),
            (5.0, 0.183_540_812_6, 1e-10),
            (20.0, asymptotic, 2e-7),
        ] {
            assert!((bessel_i0(x * x) * libm::exp(-x) - expected).abs() <= allowed, "{x}");
        }
    }

    #[test]
    fn the_window_is_one_in_the_middle_and_falls_to_its_step() {
        assert_eq!(kaiser(20.0, 0.0), 1.0);
        let values: Vec<f64> = (0..=50).map(|n| kaiser(20.0, f64::from(n) / 50.0)).collect();
        assert!(values.is_sorted_by(|near, far| near > far));
        assert_eq!(values[50], 1.0 / bessel_i0(400.0));
        assert!(kaiser(20.0, 1.01) < values[50], "it goes on beyond the edge");
    }
}
