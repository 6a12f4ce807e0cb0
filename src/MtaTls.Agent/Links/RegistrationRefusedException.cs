namespace MtaTls.Agent.Links;

/// <summary>A gateway has not registered the agent.</summary>
/// <param name="gateway">The gateway.</param>
/// <param name="message">The gateway's answer.</param>
/// <param name="isFinal">Whether the gateway will refuse the next attempt too, because the agent may not take the names.</param>
/// <param name="isOtherNode">Whether the gateway refused because the agent asked to avoid its node.</param>
internal sealed class RegistrationRefusedException(Uri gateway, string message, bool isFinal, bool isOtherNode = false) : Exception(message)
{
    public Uri Gateway => gateway;

    public bool IsFinal => isFinal;

    /// <summary>Whether the gateway refused because the agent asked to avoid its node.</summary>
    public bool IsOtherNode => isOtherNode;
}
