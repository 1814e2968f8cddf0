Attribute VB_Name = "EmbedsheetRibbon"
' The ribbon tab of the add-in embedsheet.xlam (MIT licence): one Sub a button, for the workbook that is in front.
'
' RunPython is in the module xlwings. It starts the interpreter that the add-in's own sheet xlwings.conf names, and asks
' no other workbook for it: a workbook that came from elsewhere chooses no program.

Option Explicit

Public Sub RibbonSolve(control As IRibbonControl)
    PressInFront "solve"
End Sub

Public Sub RibbonStep(control As IRibbonControl)
    PressInFront "step"
End Sub

Public Sub RibbonGradient(control As IRibbonControl)
    PressInFront "gradient"
End Sub

Public Sub RibbonDerive(control As IRibbonControl)
    PressInFront "derive"
End Sub

Public Sub RibbonCode(control As IRibbonControl)
    PressInFront "code"
End Sub

Public Sub RibbonReport(control As IRibbonControl)
    PressInFront "report"
End Sub

Public Sub RibbonCompare(control As IRibbonControl)
    PressInFront "compare"
End Sub

Public Sub RibbonUndo(control As IRibbonControl)
    PressInFront "undo"
End Sub

Public Sub RibbonDoctor(control As IRibbonControl)
    PressInFront "doctor"
End Sub

Private Sub PressInFront(what As String)
    Dim fault As String
    If ActiveWorkbook Is Nothing Then
        fault = "Open a workbook first."
    Else
        fault = NameFault(ActiveWorkbook.Name)
    End If
    If fault = "" Then
        RunPython "import embedsheet.excel; embedsheet.excel." & what & "()"
    Else
        MsgBox fault, vbExclamation, "embedsheet"
    End If
End Sub

' Why a workbook of that name cannot be handed to Python; "" where it can. Its name goes through a shell.
Public Function NameFault(title As String) As String
    Dim place As Integer
    For place = 1 To Len(title)
        If InStr("$`""\|=%!", Mid(title, place, 1)) > 0 Then
            NameFault = "The workbook's name holds the character " & Mid(title, place, 1) & _
                ", which a shell would read as its own; save the workbook under a name without it."
            Exit Function
        End If
    Next place
    NameFault = ""
End Function
