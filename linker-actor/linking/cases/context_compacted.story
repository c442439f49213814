# The client says that its history was compacted, and no text tells it: the newest summary of the session is the parent.
a 09:00:00 S
  user: sort the apples
  answer: Sorted.
k 09:00:10 S
  header compaction: manual
  after a
  user: Sum it all up.
  answer: The apples are sorted.
b 09:00:15 S
  after a
  user: and the pears
  answer: Also sorted.
c 09:00:20 S
  header context-compacted: manual
  user: The apples are sorted, by the way.
  answer: On.
d 09:00:30 S
  after c
  user: go on
expect k turn of a on main
expect b turn of a on branch_090015
expect c compact of k on compact_090020 by summary_header
expect d turn of c on compact_090020 by agent_prefix
