Attribute VB_Name = "embedsheet"
' The buttons of a workbook made by embedsheet (MIT licence).
'
' One Sub a button: on macOS, Python cannot learn which button was pressed. RunPython is in the module xlwings; it
' starts the interpreter named on the sheet xlwings.conf. The command must hold neither a double quote nor a bar:
' the macOS side splits on bars.

Option Explicit

Public Sub EmbedsheetStep()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.step()"
End Sub

Public Sub EmbedsheetSolve()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.solve()"
End Sub

Public Sub EmbedsheetTrain()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.train()"
End Sub

Public Sub EmbedsheetCompare()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.compare()"
End Sub

Public Sub EmbedsheetGradient()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.gradient()"
End Sub

Public Sub EmbedsheetCheck()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.check()"
End Sub

Public Sub EmbedsheetRandomize()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.randomize()"
End Sub

Public Sub EmbedsheetUndo()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.undo()"
End Sub

Public Sub EmbedsheetReset()
    If InExcel() Then RunPython "import embedsheet.excel; embedsheet.excel.reset()"
End Sub

Private Function InExcel() As Boolean
    InExcel = True
#If False Then
    ' LibreOffice's Basic comes here: a line that begins with # is a comment to it.
    InExcel = False
    MsgBox "This button calls Python. Close the workbook and open it from a terminal, with embedsheet open and the" & _
        " file's name. Step, Run 100 and Reset on gradient sheets need no Python."
#End If
End Function
