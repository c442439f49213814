# Rewound to before a compaction: a branch of the old history.
a 09:00:00 S
  user: sort
  answer: Sorted.
b 09:00:05 S
  after a
  user: pears
  answer: Pears.
k 09:00:10 S
  after b
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: sorting apples by a command of the shell, which has been run once.</summary>
c 09:00:20 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: sorting apples by a command of the shell, which has been run once.
  answer: on
d 09:00:30 S
  after a
  user: plums instead
  answer: Plums.
e 09:00:40 S
  after d
  user: end
expect c compact of k on compact_090020
expect d turn of a on branch_090030
expect e turn of d on branch_090030
