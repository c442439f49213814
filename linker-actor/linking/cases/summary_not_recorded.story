# Summarised from a message on, an older summary before it; the newer one was never recorded: the history counts.
a 09:00:00 S
  user: sort
  answer: Sorted.
k 09:00:10 S
  after a
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: the pears were to be sorted by size, colour and name, and so on and on.</summary>
c 09:00:20 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the pears were to be sorted by size, colour and name, and so on and on.
  user: and the plums
  answer: Plums.
d 09:00:30 S
  after c
  user: and the nuts
  answer: Nuts.
e 09:00:40 S
  after d
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the plums were to be sorted as the last of all the fruit in the garden.
  block: and the figs
  answer: Figs.
f 09:00:50 S
  after e
  user: thanks
expect c compact of k on compact_090020
expect d turn of c on compact_090020
expect e turn of d on compact_090020
expect f turn of e on compact_090020
