"""Writes what torch.save wrote until torch 0.1.9: a tar archive with the object, the tensors and the storages apart.

torch.load of every later version reads it (torch/serialization.py, legacy_load); no version since writes it.
"""
import io, pickle, struct, tarfile

import torch


class Objects(pickle.Pickler):
    """The object's pickle: tensors are persistent ids, Parameters are made by their class as they were before 0.4."""

    def __init__(self, file, key):
        super().__init__(file, protocol=2)
        self.key = key

    def persistent_id(self, value):
        return str(self.key(value)) if type(value) is torch.Tensor else None

    def reducer_override(self, value):
        if isinstance(value, torch.nn.Parameter):
            import copyreg
            return copyreg.__newobj__, (torch.nn.Parameter, value.data), (value.requires_grad, False, {})
        return NotImplemented


def raw(storage):
    return bytes(storage._storage if hasattr(storage, "_storage") else storage.untyped())  # torch 1.13, and since 2.0


def save(value, path, rng):
    tensors, storages, kept = {}, {}, []

    def key(tensor):
        kept.append(tensor)
        storage = tensor.storage()
        root = storages.setdefault((storage.data_ptr(), storage.dtype), (0x7F0000000000 + 64 * len(storages), storage))[0]
        k = 0x5500000000 + 64 * len(tensors)
        tensors[k] = (root, tensor)
        return k

    objects = io.BytesIO()
    Objects(objects, key).dump(value)

    views = []
    out_tensors = io.BytesIO()
    pickle.dump(len(tensors), out_tensors, 2)
    for k, (root, tensor) in tensors.items():
        offset = tensor.storage_offset()
        if rng.random() < 0.3:  # by way of a view of the storage
            view = 0x6600000000 + 64 * len(views)
            first = rng.randrange(0, min(offset, len(tensor.storage())) + 1)  # an empty slice may lie beyond the end
            views.append((view, root, first, len(tensor.storage()) - first))
            root, offset = view, offset - first
        pickle.dump((k, root, torch.Tensor), out_tensors, 2)
        numbers = [len(tensor.shape), *tensor.shape, *tensor.stride(), offset]
        out_tensors.write(struct.pack("<%dq" % len(numbers), *numbers))

    out_storages = io.BytesIO()
    pickle.dump(len(storages), out_storages, 2)
    for k, storage in storages.values():
        pickle.dump((k, "cpu", getattr(torch, torch.storage._dtype_to_storage_type_map()[storage.dtype])), out_storages, 2)
        out_storages.write(struct.pack("<q", len(storage)))
        out_storages.write(raw(storage))
    pickle.dump(views, out_storages, 2)

    info = io.BytesIO()
    pickle.dump({"protocol_version": 1000, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 8}}, info, 2)
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (("sys_info", info), ("pickle", objects), ("tensors", out_tensors), ("storages", out_storages)):
            member = tarfile.TarInfo(name)
            member.size = data.tell()
            data.seek(0)
            tar.addfile(member, data)
