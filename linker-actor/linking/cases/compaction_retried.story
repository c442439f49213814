# A continuation that failed is tried again: an attempt, though it opens with a summary.
a 09:00:00 S
  user: sort the apples
  answer: Sorted.
k 09:00:10 S
  after a
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.</summary>
c 09:00:20 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.
  fails
d 09:00:21 S
  upto c
  answer: On.
e 09:00:30 S
  after d
  user: go on
expect c compact of k on compact_090020
expect d attempt of c on compact_090020
expect e turn of d on compact_090020
