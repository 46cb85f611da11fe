# SPDX-License-Identifier: Apache-2.0
# A contract made by hpl: the folder of a compose file is packed, the contract is checked, encrypted
# for an image and signed. output.user_data is what a guest is given.

terraform {
  required_providers {
    external = {
      source  = "hashicorp/external"
      version = ">= 2.3"
    }
  }
}

variable "compose_folder" {
  description = "Folder with docker-compose.yaml"
  type        = string
}

variable "env" {
  description = "The env section as YAML text; without signingKey"
  type        = string
  sensitive   = true
}

variable "encryption_certificate" {
  description = "File with the encryption certificate of the image"
  type        = string
}

variable "signing_key" {
  description = "File with the private RSA key that signs"
  type        = string
}

variable "product" {
  description = "hpvs, ccrt, ccrv or ccco"
  type        = string
  default     = "hpvs"
}

data "external" "archive" {
  program = ["hpl", "contract", "archive", "--external"]
  query = {
    path = var.compose_folder
    kind = "compose"
  }
}

locals {
  # block texts: what is encrypted is exactly this
  contract = yamlencode({
    workload = yamlencode({
      type    = "workload"
      compose = { archive = data.external.archive.result.archive }
    })
    env = var.env
  })
}

data "external" "valid" {
  program = ["hpl", "contract", "validate", "--external"]
  query = {
    contract = local.contract
    product  = var.product
  }
}

data "external" "user_data" {
  program = ["hpl", "contract", "sign", "--external"]
  query = {
    contract  = local.contract
    product   = var.product
    cert_file = var.encryption_certificate
    key_file  = var.signing_key
  }
  depends_on = [data.external.valid]
}

output "user_data" {
  description = "The encrypted and signed contract"
  value       = data.external.user_data.result.contract
}

output "sha256" {
  description = "SHA-256 of user_data, to compare with what the guest attests"
  value       = data.external.user_data.result.sha256
}
