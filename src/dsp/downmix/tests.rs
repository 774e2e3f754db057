use super::*;

/// 10^(-1.2/20), 10^(-6.2/20) and 10^(-10/20) were computed elsewhere.
const ROOT: f64 = std::f64::consts::FRAC_1_SQRT_2;
const OWN: f64 = 0.870_963_589_956_080_6;
const OTHER: f64 = 0.489_778_819_368_446_2;
const MINUS_10: f64 = 0.316_227_766_016_837_95;

/// A few roundings of numbers near 1: coefficients differ from their literals by no more.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

#[track_caller]
fn rows(found: &[Vec<f64>], expected: &[&[f64]]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let close = |(x, y): (&f64, &f64)| (x - y).abs() <= ROUNDING;
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(*expected).all(close), "{found:?} is not {expected:?}");
    }
}

fn fold(kind: Kind, from: Layout) -> Downmix {
    Downmix::fold(kind, from, &Levels::default()).expect("a fold-down")
}

#[test]
fn lo_ro_of_five_is_that_of_bs_775() {
    // L R C LFE Ls Rs.
    let downmix = fold(Kind::LoRo, Layout::Surround51);
    rows(&downmix.direct, &[&[1.0, 0.0, ROOT, 0.0, ROOT, 0.0], &[0.0, 1.0, ROOT, 0.0, 0.0, ROOT]]);
    assert_eq!(downmix.turned, None);
    assert_eq!(
        downmix.told(),
        "lo-ro fold-down of 5.1 (ITU-R BS.775): centre -3 dB, surrounds -3 dB, LFE off; \
         Lo = L + 0.7071 C + 0.7071 Ls, Ro = R + 0.7071 C + 0.7071 Rs; left out: LFE"
    );
    let levels = Levels {
        center: Level::db(0.0),
        surround: Level::db(-6.0),
        lfe: Level::db(-10.0),
        ..Levels::default()
    };
    let downmix = Downmix::fold(Kind::LoRo, Layout::Surround51, &levels).unwrap();
    rows(
        &downmix.direct,
        &[&[1.0, 0.0, 1.0, MINUS_10, 0.5, 0.0], &[0.0, 1.0, 1.0, MINUS_10, 0.0, 0.5]],
    );
    assert_eq!(downmix.left_out(), []);
}

#[test]
fn seven_and_heights_fold_by_way_of_five_and_the_bed() {
    // L R C LFE Lsr Rsr Lss Rss Ltf Rtf Ltr Rtr.
    let levels = Levels { rear: Level::db(-3.0), height: Level::db(-6.0), ..Levels::default() };
    let downmix = Downmix::fold(Kind::LoRo, Layout::Surround714, &levels).unwrap();
    rows(
        &downmix.direct,
        &[
            &[1.0, 0.0, ROOT, 0.0, 0.5, 0.0, ROOT, 0.0, 0.5, 0.0, 0.25, 0.0],
            &[0.0, 1.0, ROOT, 0.0, 0.0, 0.5, 0.0, ROOT, 0.0, 0.5, 0.0, 0.25],
        ],
    );
    // Two times -3 dB are exactly a half, not nearly.
    assert_eq!(downmix.direct[0][4].to_bits(), 0.5_f64.to_bits());
    let downmix = fold(Kind::Surround71, Layout::Surround714);
    assert_eq!(downmix.direct.len(), 8);
    rows(
        &[downmix.direct[0].clone(), downmix.direct[5].clone(), downmix.direct[6].clone()],
        &[
            &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ROOT, 0.0, 0.0, 0.0],
            &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, ROOT],
            &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ],
    );
    // The heights of a bed of Atmos stand above its sides.
    let downmix = fold(Kind::Surround71, Layout::Surround712);
    assert_eq!(downmix.formulas()[6], "Lss = Lss + 0.7071 Lts");
    // Those of 5.1.4 go into the surrounds that there are.
    let downmix = fold(Kind::Surround51, Layout::Surround514);
    assert_eq!(downmix.formulas()[5], "Rs = Rs + 0.7071 Rtr");
}

#[test]
fn five_of_seven_adds_the_rears() {
    let five = fold(Kind::Surround51, Layout::Surround71);
    // L R C LFE Lsr Rsr Lss Rss into L R C LFE Ls Rs.
    rows(
        &five.direct,
        &[
            &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
            &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0],
            &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0],
        ],
    );
    let levels = Levels { rear: Level::db(-3.0), ..Levels::default() };
    let softer = Downmix::fold(Kind::Surround51, Layout::Surround71, &levels).unwrap();
    assert_eq!(softer.formulas()[4], "Ls = 0.7071 Lsr + Lss");
    let without = Levels { rear: Level::OFF, ..Levels::default() };
    let without = Downmix::fold(Kind::Surround51, Layout::Surround71, &without).unwrap();
    assert_eq!(without.left_out(), [Channel::Lsr, Channel::Rsr]);
    assert_eq!(without.words, "5.1 fold-down of 7.1: rears off");
    // There is no LFE to be had from 7.0.
    assert_eq!(fold(Kind::Surround51, Layout::Surround70).formulas()[3], "LFE = silence");
}

#[test]
fn mono_is_that_of_bs_775() {
    let mono = fold(Kind::Mono, Layout::Surround51);
    rows(&mono.direct, &[&[ROOT, ROOT, 1.0, 0.0, 0.5, 0.5]]);
    assert_eq!(mono.direct[0][2].to_bits(), 1.0_f64.to_bits(), "the centre is not rounded");
    rows(&fold(Kind::Mono, Layout::Stereo).direct, &[&[ROOT, ROOT]]);
    let levels = Levels { sum: Level::db(-6.0), ..Levels::default() };
    let halved = Downmix::fold(Kind::Mono, Layout::LtRt, &levels).unwrap();
    assert_eq!(halved.direct, [[0.5, 0.5]]);
    assert_eq!(halved.words, "mono fold-down of lt-rt (ITU-R BS.775): sum -6 dB");
}

#[test]
fn lt_rt_turns_the_surrounds_and_matrixes_them_in_opposite_polarity() {
    let downmix = fold(Kind::LtRt, Layout::Surround51);
    rows(&downmix.direct, &[&[1.0, 0.0, ROOT, 0.0, 0.0, 0.0], &[0.0, 1.0, ROOT, 0.0, 0.0, 0.0]]);
    rows(
        downmix.turned.as_deref().unwrap(),
        &[&[0.0, 0.0, 0.0, 0.0, -OWN, -OTHER], &[0.0, 0.0, 0.0, 0.0, OTHER, OWN]],
    );
    assert_eq!(
        downmix.told(),
        "lt-rt fold-down of 5.1 (Dolby Pro Logic II): centre -3 dB, LFE off; \
         Lt = L + 0.7071 C - 0.8710 Ls' - 0.4898 Rs', \
         Rt = R + 0.7071 C + 0.4898 Ls' + 0.8710 Rs'; ' is turned by 90 degrees; left out: LFE"
    );
    assert_eq!(fold(Kind::LtRt, Layout::Lcr).turned, None, "nothing is behind");
}

#[test]
fn what_needs_no_folding_or_has_no_place_is_refused() {
    let refused = |kind, from| Downmix::fold(kind, from, &Levels::default()).unwrap_err();
    use Layout::{LtRt, Mono, Stereo, Surround51, Surround514};
    for (kind, from) in [
        (Kind::LoRo, Stereo),
        (Kind::LoRo, LtRt),
        (Kind::LtRt, Stereo),
        (Kind::Mono, Mono),
        (Kind::Surround51, Stereo),
        (Kind::Surround71, Mono),
    ] {
        assert_eq!(refused(kind, from), Refusal::Nothing, "{kind:?} of {from}");
    }
    assert_eq!(refused(Kind::Surround71, Surround51), Refusal::NoPlace(Channel::Ls));
    assert_eq!(refused(Kind::Surround71, Surround514), Refusal::NoPlace(Channel::Ls));
}

#[test]
fn a_matrix_of_ones_own_is_what_it_says() {
    use Channel::{C, L, Lfe, Lsr, Lss, R};
    let downmix = Downmix::matrix(
        Layout::Stereo,
        Layout::Surround71,
        &[
            (L, vec![(L, Level::db(0.0))]),
            (R, vec![(R, Level::db(0.0))]),
            (C, vec![(L, Level::db(-6.0)), (R, Level::db(-6.0))]),
            (Lss, vec![(L, Level::db(-10.0)), (R, Level::OFF)]),
        ],
    );
    assert_eq!(downmix.direct[0], [1.0, 0.0]);
    assert_eq!(downmix.direct[2], [0.5, 0.5]);
    assert_eq!(downmix.direct[6][1], 0.0);
    rows(&downmix.direct[6..7], &[&[MINUS_10, 0.0]]);
    let place = |channel| Layout::Surround71.position(channel).unwrap();
    assert_eq!(downmix.formulas()[place(C)], "C = 0.5000 L + 0.5000 R");
    assert_eq!(downmix.formulas()[place(Lfe)], "LFE = silence");
    assert_eq!(downmix.direct[place(Lsr)], [0.0, 0.0]);
    assert_eq!(
        downmix.words,
        "matrix from stereo to 7.1: L = L 0 dB, R = R 0 dB, C = L -6 dB + R -6 dB, \
         LFE = silence, Lsr = silence, Rsr = silence, Lss = L -10 dB, Rss = silence"
    );
}
