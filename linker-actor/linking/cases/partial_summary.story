# A partial summary replaces only the older part of a history.
a 09:00:00 S
  user: sort the apples
  answer: Sorted.
b 09:00:10 S
  after a
  user: and the pears
  answer: Also sorted.
k 09:00:20 S
  upto a
  user: Your task is to create a detailed summary of this portion of the conversation
  answer: <summary>1. Primary Request and Intent: sort the apples by size, by colour and by name.</summary>
c 09:00:30 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: sort the apples by size, by colour and by name. More.
  user: and the pears
  assistant: Also sorted.
  user: next
expect b turn of a on main
expect k turn of a
expect c compact of k with a
