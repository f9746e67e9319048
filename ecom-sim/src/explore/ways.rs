//! From every world an end must be reachable in which nothing goes otherwise any more.

/// The steps between worlds in which nothing goes wrong, and the worlds that are ends.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// To which world, from which.
    steps: Vec<(u32, u32)>,
    ends: Vec<u32>,
}

impl Ways {
    pub(super) fn step(&mut self, from: u32, to: u32) {
        self.steps.push((to, from));
    }

    /// Nothing is left to happen there, or nobody has looked what may.
    pub(super) fn end(&mut self, world: u32) {
        self.ends.push(world);
    }

    /// Of so many worlds, counted from 0, the first from which no way leads to an end.
    pub(super) fn stranded(mut self, worlds: usize) -> Option<u32> {
        self.steps.sort_unstable();
        let mut leads_out = vec![false; worlds];
        let mut next = self.ends;
        while let Some(world) = next.pop() {
            if std::mem::replace(&mut leads_out[world as usize], true) {
                continue;
            }
            let first = self.steps.partition_point(|(to, _)| *to < world);
            let before = self.steps[first..].iter().take_while(|(to, _)| *to == world);
            next.extend(before.map(|(_, from)| *from).filter(|from| !leads_out[*from as usize]));
        }
        (0..).zip(leads_out).find(|(_, out)| !out).map(|(world, _)| world)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(steps: &[(u32, u32)], ends: &[u32]) -> Ways {
        let steps = steps.iter().map(|(from, to)| (*to, *from));
        Ways { steps: steps.collect(), ends: ends.to_vec() }
    }

    #[test]
    fn a_world_from_which_every_way_goes_round_in_circles_is_found() {
        // 0 goes to an end and to a circle of three, which somebody can only leave by a fault.
        let steps = [(0, 1), (0, 2), (2, 3), (3, 4), (4, 2)];
        assert_eq!(ways(&steps, &[1]).stranded(5), Some(2));
        assert_eq!(ways(&[&steps[..], &[(4, 1)]].concat(), &[1]).stranded(5), None);
        assert_eq!(ways(&[], &[0]).stranded(1), None);
        assert_eq!(ways(&[], &[]).stranded(1), Some(0));
    }
}
