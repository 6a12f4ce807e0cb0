namespace MtaTls.Protocol;

/// <summary>What a <see cref="ControlItem"/> is.</summary>
internal enum ControlKind
{
    Request,
    Success,
    Refusal,
    CloseRequest,
    Confirmation,
    Acknowledgment,
}
