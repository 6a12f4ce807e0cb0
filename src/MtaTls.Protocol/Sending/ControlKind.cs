namespace MtaTls.Protocol;

/// <summary>The packet that a <see cref="ControlItem"/> stands for.</summary>
internal enum ControlKind
{
    Request,
    Success,
    Refusal,
    CloseRequest,
    Confirmation,
    Acknowledgment,
}
