Attribute VB_Name = "gradient"
' Gradient descent on a sheet made by embedsheet derive (MIT licence). Plain VBA: no Python, and LibreOffice runs it too.
'
' The sheet's own names say where things are: next.1 is copied over changing.1, velocity.next.1 over velocity.1, and so
' on; start.1 holds the values to begin again from, steps counts.

Option Explicit

Public Sub GradientStep()
    Walk 1
End Sub

Public Sub GradientRun()
    Walk 100
End Sub

Public Sub GradientReset()
    Dim number As Long
    For number = 1 To Block("areas").Value
        Block("changing." & number).Value = Block("start." & number).Value
        Block("velocity." & number).Value = 0
        Block("square." & number).Value = 0
    Next number
    Block("steps").Value = 0
End Sub

Private Sub Walk(ByVal times As Long)
    Dim done As Long
    On Error GoTo Finished
    For done = 1 To times
        Cancel 0
        Take
        Block("steps").Value = Block("steps").Value + 1
        Cancel 2
        ' Esc arrives here, between two steps.
        DoEvents
    Next done
Finished:
    Cancel 1
End Sub

Private Sub Take()
    Dim areas As Long, number As Long
    Dim values() As Variant, velocities() As Variant, squares() As Variant
    areas = Block("areas").Value
    ReDim values(1 To areas), velocities(1 To areas), squares(1 To areas)
    ' All areas are read before the first is written: they belong to one step.
    For number = 1 To areas
        values(number) = Block("next." & number).Value
        velocities(number) = Block("velocity.next." & number).Value
        squares(number) = Block("square.next." & number).Value
    Next number
    For number = 1 To areas
        Block("changing." & number).Value = values(number)
        Block("velocity." & number).Value = velocities(number)
        Block("square." & number).Value = squares(number)
    Next number
End Sub

Private Function Block(ByVal label As String) As Object
    ' RefersToRange is empty in LibreOffice for a name of a sheet; what it refers to begins with =.
    Set Block = Range(Mid(ActiveSheet.Names.Item(label).RefersTo, 2))
End Function

' What Esc does: 0 nothing, 1 stops the macro, 2 raises an error. LibreOffice does without.
Private Sub Cancel(ByVal way As Long)
    On Error Resume Next
    Application.EnableCancelKey = way
End Sub
