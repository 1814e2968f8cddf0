Attribute VB_Name = "gradient"
' Gradient descent on a sheet made by embedsheet derive (MIT licence). Plain VBA: no Python, and LibreOffice runs it too.
'
' The sheet's own names say where things are: next.1 is copied over changing.1, next.2 over changing.2, and so on;
' start.1 … are the values to begin again from, steps counts.

Option Explicit

Public Sub GradientStep()
    Walk 1
End Sub

Public Sub GradientRun()
    Walk 100
End Sub

Public Sub GradientReset()
    CopyAll "start."
    Block("steps").Value = 0
End Sub

Private Sub Walk(ByVal times As Long)
    Dim done As Long
    On Error GoTo Finished
    For done = 1 To times
        Cancel 0
        CopyAll "next."
        Block("steps").Value = Block("steps").Value + 1
        Cancel 2
        ' Esc arrives here, between two steps.
        DoEvents
    Next done
Finished:
    Cancel 1
End Sub

Private Sub CopyAll(ByVal source As String)
    Dim areas As Long, number As Long
    Dim values() As Variant
    areas = Block("areas").Value
    ReDim values(1 To areas)
    ' All areas are read before the first is written: they belong to one step.
    For number = 1 To areas
        values(number) = Block(source & number).Value
    Next number
    For number = 1 To areas
        Block("changing." & number).Value = values(number)
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
