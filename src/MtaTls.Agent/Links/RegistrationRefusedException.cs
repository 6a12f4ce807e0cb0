namespace MtaTls.Agent.Links;

/// <summary>A gateway has not registered the agent.</summary>
/// <param name="gateway">The gateway.</param>
/// <param name="message">What it has said.</param>
/// <param name="isFinal">Whether it will say the same again: the agent may not have the names that it asks for.</param>
/// <param name="isOtherNode">Whether the gateway is the one that the agent wants to avoid.</param>
internal sealed class RegistrationRefusedException(Uri gateway, string message, bool isFinal, bool isOtherNode = false) : Exception(message)
{
    public Uri Gateway => gateway;

    public bool IsFinal => isFinal;

    /// <summary>Whether the gateway is the one that the agent wants to avoid.</summary>
    public bool IsOtherNode => isOtherNode;
}
