# Behind a summary that the client wrote itself, it changes the history: still a turn of the same compaction.
a 09:00:00 S
  user: sort
  answer: Sorted.
c 09:00:10 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the pears were to be sorted by size, colour and name, and so on and on.
  user: and the plums
  answer: Plums.
d 09:00:20 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the pears were to be sorted by size, colour and name, and so on and on.
  user: [cleared]
  assistant: Plums.
  user: and the nuts
  answer: Nuts.
e 09:00:30 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the figs were to be sorted as the last of all the fruit in the garden.
  user: thanks
expect c compact of a on compact_090010 by session
expect d turn of c on compact_090010 by session
expect e compact of d on compact_090030 by session
