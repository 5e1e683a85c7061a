use super::{super::ARBITER, *};
use crate::fuzz;

const NAME: &str = "two rooms";

fn key() -> ClusterKey {
    "07".repeat(32).parse().unwrap()
}

/// Node 0 in its third boot.
fn sealer() -> Sealer {
    Sealer::new(&key(), NAME, 0, 3)
}

/// Node 1.
fn opener() -> Opener {
    Opener::new(&key(), NAME, 1)
}

/// A small generator of repeatable noise.
fn noise(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn a_frame_comes_back_as_it_was() {
    let (sealer, mut opener) = (sealer(), opener());
    for (kind, to, payload) in [(1, 1, &b"I am PRIM"[..]), (200, EVERYONE, b""), (0, 1, &[0xa5; 1152])] {
        let bytes = sealer.seal(kind, to, payload);
        assert_eq!(bytes.len(), payload.len() + HEADER_LEN + TAG_LEN);
        let packet = opener.open(&bytes).unwrap();
        assert_eq!(packet.payload, payload);
        assert_eq!((packet.header.from, packet.header.to, packet.header.kind), (0, to, kind));
        assert_eq!((packet.header.boot, packet.header.versions), (3, Versions::OURS));
    }
}

#[test]
fn the_payload_cannot_be_read_on_the_network() {
    let secret = b"the payload of this frame";
    let bytes = sealer().seal(1, 1, secret);
    assert!(!bytes.windows(8).any(|window| secret.windows(8).any(|part| part == window)));
}

#[test]
fn equal_payloads_never_look_equal() {
    let sealer = sealer();
    let (one, two) = (sealer.seal(1, 1, &[0; 64]), sealer.seal(1, 1, &[0; 64]));
    let next_boot = Sealer::new(&key(), NAME, 0, 4).seal(1, 1, &[0; 64]);
    let other_node = Sealer::new(&key(), NAME, 2, 3).seal(1, 1, &[0; 64]);
    // Without header and tag, which differ anyway: a repeated nonce would show here.
    let sealed = |frame: &[u8]| frame[HEADER_LEN..HEADER_LEN + 64].to_vec();
    for other in [two, next_boot, other_node] {
        assert_ne!(sealed(&one), sealed(&other));
    }
}

#[test]
fn every_flipped_bit_is_rejected() {
    let bytes = sealer().seal(7, 1, b"some state");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            // Widening the announced range of protocols is also a change.
            opener().open(&changed).expect_err(&format!("byte {at}, bit {bit}"));
        }
    }
    opener().open(&bytes).expect("what was flipped was an accepted frame");
}

#[test]
fn every_shortened_or_lengthened_frame_is_rejected() {
    let bytes = sealer().seal(7, 1, b"some state");
    for len in 0..bytes.len() {
        let reject = opener().open(&bytes[..len]).unwrap_err();
        match len {
            0..4 => assert_eq!(reject, Reject::NotOurs),
            4..48 => assert_eq!(reject, Reject::Truncated(len)),
            _ => assert_eq!(reject, Reject::Forged { from: 0 }),
        }
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(opener().open(&longer), Err(Reject::Forged { from: 0 }));
}

#[test]
fn a_wrong_key_is_named_as_such() {
    let other = ClusterKey::generate();
    let bytes = Sealer::new(&other, NAME, 0, 3).seal(1, 1, b"x");
    assert_eq!(opener().open(&bytes), Err(Reject::WrongKey { from: 0 }));
}

#[test]
fn a_forger_who_copies_the_key_id_is_still_refused() {
    let mut bytes = Sealer::new(&ClusterKey::generate(), NAME, 0, 3).seal(1, 1, b"x");
    let real = sealer().seal(1, 1, b"x");
    bytes[8..16].copy_from_slice(&real[8..16]);
    assert_eq!(opener().open(&bytes), Err(Reject::Forged { from: 0 }));
}

#[test]
fn another_cluster_is_named_as_such_whatever_its_key() {
    for key in [key(), ClusterKey::generate()] {
        let bytes = Sealer::new(&key, "three rooms", 0, 3).seal(1, 1, b"x");
        assert_eq!(opener().open(&bytes), Err(Reject::OtherCluster));
    }
}

#[test]
fn a_version_mismatch_is_named_as_such_even_with_another_key() {
    let (theirs, ours) = (Versions { min: 4, max: 6 }, Versions { min: 1, max: 3 });
    for key in [key(), ClusterKey::generate()] {
        let bytes = Sealer::new(&key, NAME, 0, 3).announcing(theirs, 0).seal(1, 1, b"x");
        let reject = opener().understanding(ours).open(&bytes).unwrap_err();
        assert_eq!(reject, Reject::Version { from: 0, theirs, ours });
        assert!(reject.to_string().contains("4 to 6"), "{reject}");
    }
}

#[test]
fn neighbouring_releases_understand_each_other() {
    let bytes = sealer().announcing(Versions { min: 1, max: 2 }, 0x0102).seal(1, 1, b"x");
    let packet = opener().understanding(Versions { min: 2, max: 3 }).open(&bytes).unwrap();
    assert_eq!(packet.header.features, 0x0102);
    assert_eq!(packet.header.versions.common(Versions { min: 2, max: 3 }), Some(2));
}

#[test]
fn a_frame_for_another_node_and_an_own_frame_are_not_taken() {
    let bytes = sealer().seal(1, 2, b"x");
    assert_eq!(opener().open(&bytes), Err(Reject::Elsewhere { from: 0, to: 2 }));
    for to in [1, EVERYONE] {
        let own = Sealer::new(&key(), NAME, 1, 3).seal(1, to, b"x");
        assert_eq!(opener().open(&own), Err(Reject::Elsewhere { from: 1, to }));
    }
}

#[test]
fn a_copy_from_a_second_network_is_a_duplicate_and_still_readable() {
    let (sealer, mut opener) = (sealer(), opener());
    let bytes = sealer.seal(1, 1, b"state");
    let first = opener.open(&bytes).unwrap();
    assert_eq!(opener.open(&bytes), Err(Reject::Duplicate(first)));
}

#[test]
fn frames_may_overtake_each_other_inside_the_window_but_not_beyond() {
    let (sealer, mut opener) = (sealer(), opener());
    let frames: Vec<_> = (0..65u8).map(|n| sealer.seal(1, 1, &[n])).collect();
    opener.open(&frames[64]).unwrap();
    for n in (1..64).rev() {
        assert_eq!(opener.open(&frames[n]).unwrap().payload, [n as u8]);
    }
    assert!(matches!(opener.open(&frames[0]), Err(Reject::Replayed(_))));
}

#[test]
fn frames_of_an_earlier_boot_are_not_taken_again() {
    let (mut opener, before) = (opener(), sealer());
    let recorded: Vec<_> = (0..3).map(|_| before.seal(1, 1, b"I am PRIM")).collect();
    opener.open(&recorded[0]).unwrap();
    let after = Sealer::new(&key(), NAME, 0, 4);
    opener.open(&after.seal(1, 1, b"I am SECOND")).unwrap();
    for old in &recorded {
        assert!(matches!(opener.open(old), Err(Reject::Replayed(header)) if header.boot == 3));
    }
    opener.open(&after.seal(1, 1, b"still SECOND")).unwrap();
}

#[test]
fn a_server_answers_clusters_of_any_name_as_often_as_it_is_asked_but_only_with_their_key() {
    let (asker, mut hears) = (sealer(), Opener::new(&key(), NAME, 0));
    let server = Opener::new(&key(), "", ARBITER).of_any_name();
    let answers = Sealer::new(&key(), "", ARBITER, 9).scattered();
    let question = asker.seal(3, ARBITER, b"who?");
    for _ in 0..2 {
        let packet = server.open_repeatedly(&question).unwrap();
        let answer = hears.open(&answers.answer(&packet.header, 4, b"you")).unwrap();
        assert_eq!((answer.header.from, answer.header.to, answer.payload), (ARBITER, 0, b"you".to_vec()));
    }
    let elsewhere = Err(Reject::Elsewhere { from: 0, to: 1 });
    assert_eq!(server.open_repeatedly(&asker.seal(3, 1, b"")), elsewhere);
    let other = Sealer::new(&ClusterKey::generate(), NAME, 0, 3);
    assert_eq!(server.open_repeatedly(&other.seal(3, ARBITER, b"")), Err(Reject::WrongKey { from: 0 }));
}

#[test]
fn two_servers_with_one_key_never_use_a_nonce_twice() {
    let server = || Sealer::new(&key(), "", ARBITER, 9).scattered();
    let question = opener().open(&sealer().seal(3, 1, b"")).unwrap().header;
    let sealed = |frame: &[u8]| frame[HEADER_LEN..HEADER_LEN + 8].to_vec();
    let answers = [server(), server()].map(|server| sealed(&server.answer(&question, 4, &[0; 8])));
    assert_ne!(answers[0], answers[1]);
}

#[test]
fn nodes_do_not_disturb_each_others_windows() {
    let mut opener = opener();
    let (one, two) = (Sealer::new(&key(), NAME, 0, 9), Sealer::new(&key(), NAME, 2, 1));
    for _ in 0..3 {
        opener.open(&one.seal(1, EVERYONE, b"x")).unwrap();
        opener.open(&two.seal(1, EVERYONE, b"x")).unwrap();
    }
}

#[test]
fn a_forged_frame_moves_no_window() {
    let (sealer, mut opener) = (sealer(), opener());
    let bytes = sealer.seal(1, 1, b"x");
    let mut forged = bytes.clone();
    forged[20] = 0xff; // a boot far ahead
    assert_eq!(opener.open(&forged), Err(Reject::Forged { from: 0 }));
    opener.open(&bytes).unwrap();
}

#[test]
fn noise_is_refused_quietly() {
    let (mut opener, mut state) = (opener(), 0x5afe_7001);
    let frame = sealer().seal(1, 1, b"some state");
    for round in 0..10_000 {
        let len = (noise(&mut state) % 160) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| noise(&mut state) as u8).collect();
        // Every second buffer starts like a frame, to get past the first checks.
        let start = if round % 2 == 0 { 0 } else { len.min((noise(&mut state) % 33) as usize) };
        bytes[..start].copy_from_slice(&frame[..start]);
        opener.open(&bytes).expect_err("noise is not a frame");
    }
    opener.open(&frame).unwrap();
}

/// What node 0 said in its third boot.
fn said() -> [Vec<u8>; 3] {
    let sealer = sealer();
    [sealer.seal(1, 1, b"I am PRIM"), sealer.seal(2, EVERYONE, b""), sealer.seal(1, 1, &[0xa5; 200])]
}

fuzz::target!(any_bytes_are_what_was_said_or_rejected, said(), |bytes| {
    if let Ok(Packet { header, payload }) = opener().open(bytes) {
        assert!(said().iter().any(|frame| frame == bytes), "a forgery was taken: {header:?} {payload:?}");
    }
});
