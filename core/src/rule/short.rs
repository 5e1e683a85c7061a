//! Arrays longer than serde knows, written without the default values at their end.

use core::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

pub(crate) fn serialize<S: Serializer, T: Serialize + Default + PartialEq, const N: usize>(
    list: &[T; N],
    to: S,
) -> Result<S::Ok, S::Error> {
    let used = list.iter().rposition(|it| *it != T::default()).map_or(0, |last| last + 1);
    to.collect_seq(&list[..used])
}

pub(crate) fn deserialize<'de, D, T, const N: usize>(from: D) -> Result<[T; N], D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default + Copy,
{
    from.deserialize_seq(Items(PhantomData))
}

struct Items<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default + Copy, const N: usize> Visitor<'de> for Items<T, N> {
    type Value = [T; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = [T::default(); N];
        let mut used = 0;
        while let Some(item) = items.next_element()? {
            *list.get_mut(used).ok_or_else(|| A::Error::invalid_length(used + 1, &self))? = item;
            used += 1;
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Four(#[serde(with = "super")] [u8; 4]);

    #[test]
    fn only_what_is_used_is_written_and_the_rest_comes_back() {
        for (list, text) in [([0; 4], "[]"), ([7, 0, 0, 0], "[7]"), ([0, 7, 0, 9], "[0,7,0,9]")] {
            assert_eq!(serde_json::to_string(&Four(list)).expect("it can be written"), text);
            assert_eq!(serde_json::from_str::<Four>(text).expect("it can be read"), Four(list));
        }
    }

    #[test]
    fn more_than_there_is_room_for_is_refused() {
        let refused = serde_json::from_str::<Four>("[1,2,3,4,5]").expect_err("there is room for four");
        assert!(refused.to_string().starts_with("invalid length 5, expected at most 4 items"), "{refused}");
    }
}
