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
    Dim done As Long, number As Long, areas As Long
    Dim targets() As Object, sources() As Object, steps As Object
    areas = Block("areas").Value
    Set steps = Block("steps")
    ReDim targets(1 To 3 * areas), sources(1 To 3 * areas)
    For number = 1 To areas
        Set targets(number) = Block("changing." & number)
        Set sources(number) = Block("next." & number)
        Set targets(areas + number) = Block("velocity." & number)
        Set sources(areas + number) = Block("velocity.next." & number)
        Set targets(2 * areas + number) = Block("square." & number)
        Set sources(2 * areas + number) = Block("square.next." & number)
    Next number
    On Error GoTo Finished
    For done = 1 To times
        Cancel 0
        Take targets, sources
        steps.Value = steps.Value + 1
        Cancel 2
        ' Esc arrives here, between two steps.
        DoEvents
    Next done
Finished:
    Cancel 1
End Sub

Private Sub Take(targets() As Object, sources() As Object)
    Dim values() As Variant, number As Long
    ReDim values(1 To UBound(sources))
    ' All areas are read before the first is written: they belong to one step.
    For number = 1 To UBound(sources)
        values(number) = sources(number).Value
    Next number
    For number = 1 To UBound(sources)
        targets(number).Value = values(number)
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
