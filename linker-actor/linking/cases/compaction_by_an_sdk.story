# The tool runner of an SDK goes on from the summary alone.
a 09:00:00 -
  user: sort the apples
  call t1 sort: apples
k 09:00:10 -
  upto a
  user: You have been working on the task described above but have not yet completed it. Write a continuation summary that will allow you to resume work.
  answer: <summary>The apples are to be sorted by colour and by size; the red ones are done, the green ones are not.</summary>
c 09:00:20 -
  user: <summary>The apples are to be sorted by colour and by size; the red ones are done, the green ones are not.</summary>
  answer: On.
expect k turn of a on main
expect c compact of k on compact_090020 by summary
