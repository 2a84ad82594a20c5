"""RODAS4, the coefficient table: a linearly implicit Runge-Kutta method of order 4 with an embedded order 3, stiffly accurate.

With W = I/(gamma h) - J:  W K_i = f(y + sum_j A[i][j] K_j) + sum_j C[i][j]/h K_j,  y1 = y + sum_j M[j] K_j, error = K_6.
Where f depends on time, stage i looks at it at t + NODES[i] h and PUSH[i] h df/dt is added.
Because the method is stiffly accurate, stage 6 starts at the argument of stage 5 plus K_5, and y1 is that of stage 6 plus K_6.

Hairer E, Wanner G. Solving Ordinary Differential Equations II, 2nd ed. Springer 1996, section VI.4 (code RODAS).
"""

from __future__ import annotations

GAMMA = 0.25
ORDER = 4
STAGES = 6
A = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
)
"""Rows of stages 1 to 5; stage 6 and the result add K_5 and K_6 with weight one."""
C = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
NODES = (0.0, 0.386, 0.21, 0.63, 1.0, 1.0)
"""Where in the step a stage looks at what depends on time."""
PUSH = (0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0)
"""Weight in a stage of h times the derivative of the rates with respect to time (as the step begins)."""
